-- Parts of 0012 for a database that is full: see store/postgres/online.py.
--: quick
-- Rows of before are changed by others too, until each has its new state.
ALTER TABLE message DROP CONSTRAINT IF EXISTS message_state_meanwhile, DROP CONSTRAINT IF EXISTS message_state_check;
ALTER TABLE message ADD CONSTRAINT message_state_meanwhile CHECK (state IN ('waiting', 'claimed', 'accepted', 'unknown',
    'refused', 'dropped', 'bounced_hard', 'bounced_soft', 'came_back', 'complained')) NOT VALID;
--: pages message
UPDATE message t SET state = 'came_back' WHERE {pages} AND state = 'bounced_soft';
--: quick
ALTER TABLE message DROP CONSTRAINT IF EXISTS message_state_check;
ALTER TABLE message ADD CONSTRAINT message_state_check CHECK (state IN ('waiting', 'claimed', 'accepted', 'unknown',
    'refused', 'dropped', 'bounced_hard', 'came_back', 'complained')) NOT VALID;
--: alone
ALTER TABLE message VALIDATE CONSTRAINT message_state_check;
--: quick
ALTER TABLE message DROP CONSTRAINT message_state_meanwhile;
CREATE TABLE mail_report (
    report_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message text NOT NULL,
    address text NOT NULL,
    how text NOT NULL,
    status text NOT NULL,
    why text NOT NULL,
    report text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX mail_report_by_message ON mail_report (message, report_id);
