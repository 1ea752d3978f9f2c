-- Parts of 0010 for a database that is full: see store/postgres/online.py.
--: quick
ALTER TABLE message ADD COLUMN IF NOT EXISTS code text NOT NULL DEFAULT '';
--: pages message
UPDATE message t SET code = coalesce(substring(reply from '^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?'), '')
WHERE {pages} AND state IN ('refused', 'bounced_hard') AND code = '';
