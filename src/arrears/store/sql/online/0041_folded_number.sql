-- Parts of 0041 for a database that is full: see store/postgres/online.py.
--: alone
DROP INDEX CONCURRENTLY IF EXISTS invoice_folded;
--: alone
CREATE INDEX CONCURRENTLY invoice_folded ON invoice
    (reverse(upper(regexp_replace(number COLLATE "C", '[^A-Za-z0-9]', '', 'g'))));
