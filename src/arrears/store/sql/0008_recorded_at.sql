-- The instant of an account's newest fact: nothing is recorded before it, however late a lock was had or whatever the
-- clock of the process says (I21).
ALTER TABLE account_state ADD COLUMN recorded_at timestamptz;
UPDATE account_state s SET recorded_at = f.at FROM fact f WHERE f.seq = s.seq AND f.account_id = s.account_id;
ALTER TABLE account_state ALTER COLUMN recorded_at SET NOT NULL;
