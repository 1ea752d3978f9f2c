-- Parts of 0014 for a database that is full: see store/postgres/online.py.
--: alone
DROP INDEX CONCURRENTLY IF EXISTS payment_method_by_fingerprint;
--: alone
CREATE INDEX CONCURRENTLY payment_method_by_fingerprint ON payment_method (at_provider, fingerprint);
