-- Where the operator's own document of an invoice is, as its systems say it.
CREATE TABLE invoice_link (
    account_id bigint NOT NULL,
    no integer NOT NULL,
    url text NOT NULL,
    PRIMARY KEY (account_id, no)
);
