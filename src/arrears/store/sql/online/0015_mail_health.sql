-- Parts of 0015 for a database that is full: see store/postgres/online.py.
--: quick
ALTER TABLE message ADD COLUMN IF NOT EXISTS about text NOT NULL DEFAULT '';
--: alone
DROP INDEX CONCURRENTLY IF EXISTS message_stuck;
--: alone
CREATE INDEX CONCURRENTLY message_stuck ON message (about) WHERE about <> '';
--: alone
DROP INDEX CONCURRENTLY IF EXISTS message_accepted;
--: alone
CREATE INDEX CONCURRENTLY message_accepted ON message (at) WHERE state = 'accepted';
--: alone
DROP INDEX CONCURRENTLY IF EXISTS message_by_lower_address;
--: alone
CREATE INDEX CONCURRENTLY message_by_lower_address ON message (lower(address), at);
--: quick
CREATE INDEX dead_address_lower ON dead_address (lower(address));
