-- Files of banks that were taken, each once whatever it is called.
CREATE TABLE bank_file (
    file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,
    name text NOT NULL,
    taken_at timestamptz NOT NULL
);

-- What each statement said of our account; an early notice has no balances.
CREATE TABLE bank_statement (
    file_id bigint NOT NULL,
    no integer NOT NULL,
    iban text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    format text NOT NULL,
    number bigint NOT NULL,
    opening_minor bigint,
    closing_minor bigint,
    closed_on date,
    CHECK ((opening_minor IS NULL) = (closing_minor IS NULL)),
    PRIMARY KEY (file_id, no)
);
CREATE INDEX bank_statement_of ON bank_statement (iban, currency, closed_on);

-- Every entry once, whichever file told of it first; as it was read, in JSON.
CREATE TABLE bank_entry (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id bigint NOT NULL,
    iban text NOT NULL,
    currency text NOT NULL,
    booked_on date NOT NULL,
    is_early boolean NOT NULL,
    body text NOT NULL
);
CREATE INDEX bank_entry_of ON bank_entry (iban, currency, booked_on);

-- Every transfer of an entry, and what was decided about it.
CREATE TABLE bank_credit (
    credit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id bigint NOT NULL,
    own_iban text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    booked_on date NOT NULL,
    bank_reference text NOT NULL,
    reversal boolean NOT NULL,
    unclear text NOT NULL,
    payer_iban text NOT NULL,
    end_to_end text NOT NULL,
    body text NOT NULL,
    state text NOT NULL CHECK (state IN ('new', 'waiting', 'matched', 'ignored', 'noted', 'returned')),
    why text NOT NULL DEFAULT '',
    decided_by text NOT NULL DEFAULT '',
    decided_at timestamptz
);
CREATE INDEX bank_credit_open ON bank_credit (credit_id) WHERE state IN ('new', 'waiting');
CREATE INDEX bank_credit_entry ON bank_credit (entry_id);

-- The payments that a credit was booked as. What was undone stays, with what is booked in its place.
CREATE TABLE bank_part (
    credit_id bigint NOT NULL,
    no smallint NOT NULL,
    account_id bigint NOT NULL,
    ref text NOT NULL UNIQUE,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    undone boolean NOT NULL DEFAULT false,
    PRIMARY KEY (credit_id, no)
);

-- Whose an unmatched credit may be; by amount alone until a day.
CREATE TABLE bank_doubt (
    credit_id bigint NOT NULL,
    account_id bigint NOT NULL,
    until date,
    PRIMARY KEY (credit_id, account_id)
);

-- From where a person has seen an account pay, with the credit that taught it.
CREATE TABLE known_payer (
    iban text NOT NULL,
    account_id bigint NOT NULL,
    credit_id bigint NOT NULL,
    PRIMARY KEY (iban, account_id, credit_id)
);
