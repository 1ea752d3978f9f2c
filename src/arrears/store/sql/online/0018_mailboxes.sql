-- Parts of 0018 for a database that is full: see store/postgres/online.py.
--: quick
ALTER TABLE message ADD COLUMN IF NOT EXISTS mailbox text NOT NULL DEFAULT '';
ALTER TABLE support_request ADD COLUMN IF NOT EXISTS mailbox text NOT NULL DEFAULT '';
ALTER TABLE sign_in_link ADD COLUMN IF NOT EXISTS mailbox text NOT NULL DEFAULT '';
-- What is written meanwhile, by whoever does not know the column, has it too.
CREATE OR REPLACE FUNCTION mailbox_meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.mailbox = '' THEN
        NEW.mailbox := lower(NEW.address);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER mailbox_meanwhile BEFORE INSERT ON message
    FOR EACH ROW EXECUTE FUNCTION mailbox_meanwhile();
CREATE OR REPLACE TRIGGER mailbox_meanwhile BEFORE INSERT ON support_request
    FOR EACH ROW EXECUTE FUNCTION mailbox_meanwhile();
CREATE OR REPLACE TRIGGER mailbox_meanwhile BEFORE INSERT ON sign_in_link
    FOR EACH ROW EXECUTE FUNCTION mailbox_meanwhile();
--: pages message
UPDATE message t SET mailbox = lower(address) WHERE {pages} AND mailbox = '';
--: pages support_request
UPDATE support_request t SET mailbox = lower(address) WHERE {pages} AND mailbox = '' AND address <> '';
--: pages sign_in_link
UPDATE sign_in_link t SET mailbox = lower(address) WHERE {pages} AND mailbox = '';
--: alone
DROP INDEX CONCURRENTLY IF EXISTS message_once_a_day_next;
--: alone
CREATE UNIQUE INDEX CONCURRENTLY message_once_a_day_next ON message (account_id, on_day, kind, cause, channel, mailbox)
    WHERE state NOT IN ('waiting', 'refused', 'dropped');
--: alone
DROP INDEX CONCURRENTLY IF EXISTS message_by_mailbox_next;
--: alone
CREATE INDEX CONCURRENTLY message_by_mailbox_next ON message (mailbox, at);
--: alone
DROP INDEX CONCURRENTLY IF EXISTS support_request_by_mailbox_next;
--: alone
CREATE INDEX CONCURRENTLY support_request_by_mailbox_next ON support_request (mailbox, asked_at) WHERE mailbox <> '';
--: alone
DROP INDEX CONCURRENTLY IF EXISTS one_invitation_next;
--: alone
CREATE UNIQUE INDEX CONCURRENTLY one_invitation_next ON sign_in_link (account_id, mailbox)
    WHERE kind = 'invitation' AND over_at IS NULL;
--: alone
DROP INDEX CONCURRENTLY IF EXISTS support_letter_accepted_next;
--: alone
CREATE INDEX CONCURRENTLY support_letter_accepted_next ON support_letter (at) WHERE state = 'accepted';
--: quick
DROP TRIGGER mailbox_meanwhile ON message;
DROP TRIGGER mailbox_meanwhile ON support_request;
DROP TRIGGER mailbox_meanwhile ON sign_in_link;
DROP FUNCTION mailbox_meanwhile();
ALTER TABLE message ALTER COLUMN mailbox DROP DEFAULT;
DROP INDEX message_once_a_day, message_by_lower_address, message_by_address;
ALTER INDEX message_once_a_day_next RENAME TO message_once_a_day;
ALTER INDEX message_by_mailbox_next RENAME TO message_by_mailbox;
DROP INDEX support_request_by_address;
ALTER INDEX support_request_by_mailbox_next RENAME TO support_request_by_mailbox;
DROP INDEX one_invitation;
ALTER INDEX one_invitation_next RENAME TO one_invitation;
ALTER TABLE dead_address RENAME COLUMN address TO mailbox;
DELETE FROM dead_address d USING dead_address o WHERE lower(o.mailbox) = lower(d.mailbox) AND o.ctid < d.ctid;
UPDATE dead_address SET mailbox = lower(mailbox) WHERE mailbox <> lower(mailbox);
DROP INDEX dead_address_lower;
ALTER TABLE support_letter
    ADD COLUMN about text NOT NULL DEFAULT '',
    ADD COLUMN reply text NOT NULL DEFAULT '';
ALTER INDEX support_letter_accepted_next RENAME TO support_letter_accepted;
