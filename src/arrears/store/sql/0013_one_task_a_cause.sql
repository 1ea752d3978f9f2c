-- One open task for an account and a cause, counted; a number by which a person names it.
ALTER TABLE task
    ADD COLUMN no bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    ADD COLUMN cause text NOT NULL DEFAULT '',
    ADD COLUMN times integer NOT NULL DEFAULT 1,
    ADD COLUMN last_seq bigint;
UPDATE task SET last_seq = seq, cause = CASE
    WHEN kind IN ('support_request', 'deletion_release', 'set_aside') THEN coalesce(substring(what from '\d+'), '')
    WHEN kind = 'deferred' THEN coalesce(replace(substring(what from '^\S+ of subscription \d+'), ' of subscription', ''), '')
    ELSE '' END;
-- Of several the oldest stays open and has the words of the newest.
WITH v AS (
    SELECT account_id, kind, cause, min(seq) AS seq, max(seq) AS last_seq, count(*) AS times,
        (array_agg(what ORDER BY seq DESC))[1] AS what
    FROM task WHERE closed_seq IS NULL GROUP BY account_id, kind, cause HAVING count(*) > 1
), closed AS (
    UPDATE task t SET closed_seq = t.seq FROM v
    WHERE t.account_id = v.account_id AND t.kind = v.kind AND t.cause = v.cause AND t.closed_seq IS NULL AND t.seq <> v.seq
)
UPDATE task t SET times = v.times, last_seq = v.last_seq, what = v.what FROM v
WHERE t.account_id = v.account_id AND t.seq = v.seq;
ALTER TABLE task ALTER COLUMN last_seq SET NOT NULL;
DROP INDEX task_open;
CREATE UNIQUE INDEX task_once ON task (account_id, kind, cause) WHERE closed_seq IS NULL;
