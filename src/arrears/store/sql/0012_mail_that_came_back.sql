-- A message that did not arrive, for whatever final reason that says nothing about its address.
ALTER TABLE message DROP CONSTRAINT message_state_check;
UPDATE message SET state = 'came_back' WHERE state = 'bounced_soft';
ALTER TABLE message ADD CONSTRAINT message_state_check CHECK (state IN ('waiting', 'claimed', 'accepted', 'unknown',
    'refused', 'dropped', 'bounced_hard', 'came_back', 'complained'));

-- What was reported about messages, by whomever. `message` is empty where the report proves to be about none of ours.
-- It can be erased without touching a fact.
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
