-- Who tries how often, at every place: one row for what is counted (a digest), with the instant from which on nothing
-- of it is used any more. Not logged: losing it in a crash gives everybody their tries back, and no page waits for a disk.
CREATE UNLOGGED TABLE throttle (
    key text PRIMARY KEY,
    until timestamptz NOT NULL
);
CREATE INDEX throttle_by_age ON throttle (until);
DROP INDEX sign_in_attempt_by_key, sign_in_attempt_by_age, typed_address_by_mailbox, typed_address_by_age;
DROP TABLE sign_in_attempt;
DROP TABLE typed_address;

-- Where a stranger's question came from is counted where it is throttled, and kept nowhere.
DROP INDEX support_request_by_net;
ALTER TABLE support_request DROP COLUMN net;

-- A link ends with what it was asked for: replaced, or because its owner's password is another one.
ALTER TABLE address_request ADD COLUMN over_at timestamptz;
-- In whose name an invitation is; 0 for the operator's.
ALTER TABLE sign_in_link ADD COLUMN by_person bigint NOT NULL DEFAULT 0;
