-- Invoices by their number's letters and digits alone, from its end: what a payer names is found by it, and what ends alike.
CREATE INDEX invoice_folded ON invoice
    (reverse(upper(regexp_replace(number COLLATE "C", '[^A-Za-z0-9]', '', 'g'))));
