-- What each transaction wrote of which accounts: up to which fact, the first four bytes of that fact's hash, and when
-- each is looked at next. Its rows belong to no account: whoever takes an account away, or puts an older one back, leaves
-- here what was there. In the order of their numbers for each account, because whoever writes holds its lock.
CREATE TABLE heartbeat (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    accounts bigint[] NOT NULL,
    seqs integer[] NOT NULL,
    heads integer[] NOT NULL,
    next_ats timestamptz[] NOT NULL
);
CREATE TRIGGER heartbeat_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON heartbeat
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- The accounts that are there already, a thousand to a row.
INSERT INTO heartbeat (at, accounts, seqs, heads, next_ats)
SELECT max(recorded_at), array_agg(account_id ORDER BY account_id), array_agg(seq ORDER BY account_id),
    array_agg(('x' || encode(substring(head FOR 4), 'hex'))::bit(32)::integer ORDER BY account_id),
    array_agg(next_at ORDER BY account_id)
FROM account_state GROUP BY account_id / 1000;

-- The last run that came to its end: its instant, how many accounts it found due, how many facts it recorded of them,
-- and how many had been due for an hour and were still there. Last, because every decision reads this row.
ALTER TABLE system_state ADD COLUMN complete_run_at timestamptz;
ALTER TABLE system_state ADD COLUMN complete_run_accounts integer NOT NULL DEFAULT 0;
ALTER TABLE system_state ADD COLUMN complete_run_facts integer NOT NULL DEFAULT 0;
ALTER TABLE system_state ADD COLUMN left_out integer NOT NULL DEFAULT 0;
