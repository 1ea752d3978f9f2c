-- What two spellings of an address have in common is worked out in one place, core/address.py, and stored: what lower()
-- does with letters beyond ASCII depends on the database's locale. What is here already is nearly always ASCII.
ALTER TABLE message ADD COLUMN mailbox text NOT NULL DEFAULT '';
UPDATE message SET mailbox = lower(address);
ALTER TABLE message ALTER COLUMN mailbox DROP DEFAULT;
DROP INDEX message_once_a_day, message_by_lower_address, message_by_address;
CREATE UNIQUE INDEX message_once_a_day ON message (account_id, on_day, kind, cause, channel, mailbox)
    WHERE state NOT IN ('waiting', 'refused', 'dropped');
CREATE INDEX message_by_mailbox ON message (mailbox, at);

ALTER TABLE dead_address RENAME COLUMN address TO mailbox;
DELETE FROM dead_address d USING dead_address o WHERE lower(o.mailbox) = lower(d.mailbox) AND o.ctid < d.ctid;
UPDATE dead_address SET mailbox = lower(mailbox) WHERE mailbox <> lower(mailbox);
DROP INDEX dead_address_lower;

ALTER TABLE support_request ADD COLUMN mailbox text NOT NULL DEFAULT '';
UPDATE support_request SET mailbox = lower(address);
DROP INDEX support_request_by_address;
CREATE INDEX support_request_by_mailbox ON support_request (mailbox, asked_at) WHERE mailbox <> '';

ALTER TABLE sign_in_link ADD COLUMN mailbox text NOT NULL DEFAULT '';
UPDATE sign_in_link SET mailbox = lower(address);
DROP INDEX one_invitation;
CREATE UNIQUE INDEX one_invitation ON sign_in_link (account_id, mailbox)
    WHERE kind = 'invitation' AND over_at IS NULL;

-- Why a letter to somebody who does not sign in waits, where that is not its own, in the server's words.
ALTER TABLE support_letter
    ADD COLUMN about text NOT NULL DEFAULT '',
    ADD COLUMN reply text NOT NULL DEFAULT '';
CREATE INDEX support_letter_accepted ON support_letter (at) WHERE state = 'accepted';
