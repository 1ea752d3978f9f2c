-- What payers of an invoice are asked to write on their transfer (ISO 11649). One is given when it is first shown, and
-- is that invoice's for good: money comes with it years later.
CREATE TABLE invoice_reference (
    account_id bigint NOT NULL,
    no integer NOT NULL,
    reference text NOT NULL UNIQUE CHECK (reference ~ '^RF[0-9]{2}[A-Z0-9]{1,21}$'),
    PRIMARY KEY (account_id, no)
);

-- The documents of invoices, each made once: everybody who asks gets these bytes. `of_fact` is the number of the fact
-- that a credit note is of, and 0 of an invoice and a payment slip.
CREATE TABLE document (
    account_id bigint NOT NULL,
    no integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note', 'payment_slip')),
    of_fact bigint NOT NULL CHECK ((of_fact > 0) = (kind = 'credit_note')),
    number text NOT NULL,
    made_at timestamptz NOT NULL,
    digest bytea NOT NULL CHECK (digest = sha256(body)),
    body bytea NOT NULL,
    PRIMARY KEY (account_id, no, kind, of_fact)
);
CREATE TRIGGER invoice_reference_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_reference
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER document_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
