-- Parts of 0011 for a database that is full: see store/postgres/online.py.
--: quick
ALTER TABLE message ADD COLUMN IF NOT EXISTS channel text NOT NULL DEFAULT 'email';
--: alone
DROP INDEX CONCURRENTLY IF EXISTS message_once_a_day_next;
--: alone
CREATE UNIQUE INDEX CONCURRENTLY message_once_a_day_next
    ON message (account_id, on_day, kind, cause, channel, lower(address))
    WHERE state NOT IN ('waiting', 'refused', 'dropped');
--: quick
ALTER TABLE extra_recipient
    ADD COLUMN channel text NOT NULL DEFAULT 'email',
    DROP CONSTRAINT extra_recipient_pkey,
    ADD PRIMARY KEY (account_id, channel, address);
DROP INDEX message_once_a_day;
ALTER INDEX message_once_a_day_next RENAME TO message_once_a_day;
