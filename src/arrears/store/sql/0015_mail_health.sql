-- What a message waits for that is not its own: the server, or who we are.
ALTER TABLE message ADD COLUMN about text NOT NULL DEFAULT '';
CREATE INDEX message_stuck ON message (about) WHERE about <> '';
CREATE INDEX message_accepted ON message (at) WHERE state = 'accepted';
-- Who owns an address may write it in any case.
CREATE INDEX message_by_lower_address ON message (lower(address), at);
CREATE INDEX dead_address_lower ON dead_address (lower(address));
