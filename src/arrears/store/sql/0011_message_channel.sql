-- An address means something only together with its channel: a text message stands beside mail.
ALTER TABLE message ADD COLUMN channel text NOT NULL DEFAULT 'email';
ALTER TABLE extra_recipient
    ADD COLUMN channel text NOT NULL DEFAULT 'email',
    DROP CONSTRAINT extra_recipient_pkey,
    ADD PRIMARY KEY (account_id, channel, address);
-- At most one of a kind and cause for each account, local day and address of a channel.
DROP INDEX message_once_a_day;
CREATE UNIQUE INDEX message_once_a_day ON message (account_id, on_day, kind, cause, channel, lower(address))
    WHERE state NOT IN ('waiting', 'refused', 'dropped');
