-- What the payment providers take in one charge, by currency, as JSON.
ALTER TABLE system_state ADD COLUMN limits text NOT NULL DEFAULT '{}';
