-- The credit that a return took back; 0: none. It was said in words alone until now.
ALTER TABLE bank_credit ADD COLUMN takes_back bigint NOT NULL DEFAULT 0;
UPDATE bank_credit SET takes_back = substring(why FROM '^takes back credit ([0-9]{1,18})$')::bigint
WHERE state = 'returned' AND amount_minor < 0 AND why ~ '^takes back credit [0-9]{1,18}$';
