-- Parts of 0013 for a database that is full: see store/postgres/online.py.
--: quick
CREATE SEQUENCE IF NOT EXISTS task_no_meanwhile;
ALTER TABLE task
    ADD COLUMN IF NOT EXISTS no bigint,
    ADD COLUMN IF NOT EXISTS cause text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS times integer NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS last_seq bigint;
-- What is written meanwhile, by whoever does not know the columns, has them too.
CREATE OR REPLACE FUNCTION task_meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.no := coalesce(NEW.no, nextval('task_no_meanwhile'));
    NEW.last_seq := coalesce(NEW.last_seq, NEW.seq);
    NEW.cause := CASE
        WHEN NEW.kind IN ('support_request', 'deletion_release', 'set_aside')
            THEN coalesce(substring(NEW.what from '\d+'), '')
        WHEN NEW.kind = 'deferred'
            THEN coalesce(replace(substring(NEW.what from '^\S+ of subscription \d+'), ' of subscription', ''), '')
        ELSE '' END;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER task_meanwhile BEFORE INSERT OR UPDATE ON task
    FOR EACH ROW EXECUTE FUNCTION task_meanwhile();
--: pages task
UPDATE task t SET last_seq = seq WHERE {pages} AND (no IS NULL OR last_seq IS NULL);
--: alone
DROP INDEX CONCURRENTLY IF EXISTS task_no_next;
--: alone
CREATE UNIQUE INDEX CONCURRENTLY task_no_next ON task (no);
--: quick
ALTER TABLE task DROP CONSTRAINT IF EXISTS task_no_meanwhile, DROP CONSTRAINT IF EXISTS task_last_seq_meanwhile;
ALTER TABLE task ADD CONSTRAINT task_no_meanwhile CHECK (no IS NOT NULL) NOT VALID,
    ADD CONSTRAINT task_last_seq_meanwhile CHECK (last_seq IS NOT NULL) NOT VALID;
--: alone
ALTER TABLE task VALIDATE CONSTRAINT task_no_meanwhile;
--: alone
ALTER TABLE task VALIDATE CONSTRAINT task_last_seq_meanwhile;
--: alone
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
--: alone
DROP INDEX CONCURRENTLY IF EXISTS task_once;
--: alone
CREATE UNIQUE INDEX CONCURRENTLY task_once ON task (account_id, kind, cause) WHERE closed_seq IS NULL;
--: quick
DROP TRIGGER task_meanwhile ON task;
DROP FUNCTION task_meanwhile();
ALTER TABLE task ALTER COLUMN no SET NOT NULL, ALTER COLUMN last_seq SET NOT NULL;
ALTER TABLE task DROP CONSTRAINT task_no_meanwhile, DROP CONSTRAINT task_last_seq_meanwhile;
DROP SEQUENCE task_no_meanwhile;
ALTER TABLE task ALTER COLUMN no ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('task', 'no'), coalesce(max(no), 1), max(no) IS NOT NULL) FROM task;
ALTER TABLE task ADD CONSTRAINT task_no_key UNIQUE USING INDEX task_no_next;
DROP INDEX task_open;
