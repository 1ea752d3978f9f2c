-- Payment methods and the book of attempts. One open attempt for each invoice, whoever starts it (I3).

CREATE TABLE payment_method (
    account_id bigint NOT NULL,
    no integer NOT NULL,
    at_provider text NOT NULL,
    ref text NOT NULL,
    customer_ref text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('card', 'ach', 'sepa', 'bacs')),
    network text NOT NULL,
    fingerprint text NOT NULL,
    label text NOT NULL,
    funding text NOT NULL CHECK (funding <> 'prepaid'),
    country text NOT NULL,
    credential integer NOT NULL,
    expires_on date,
    durable boolean NOT NULL,
    failed boolean NOT NULL,
    removed boolean NOT NULL,
    UNIQUE (at_provider, ref, account_id),
    PRIMARY KEY (account_id, no)
);

CREATE TABLE attempt (
    account_id bigint NOT NULL,
    no integer NOT NULL,
    key text NOT NULL UNIQUE,
    ordinal integer NOT NULL,
    method integer NOT NULL,
    initiator text NOT NULL CHECK (initiator IN ('customer', 'merchant')),
    on_page boolean NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    quote text NOT NULL,
    state text NOT NULL CHECK (
        state IN ('created', 'submitted', 'unknown', 'needs_customer', 'paid', 'declined', 'canceled')),
    ref text NOT NULL,
    decline text NOT NULL,
    network_code text NOT NULL,
    advice text NOT NULL,
    reached_network boolean NOT NULL,
    created_at timestamptz NOT NULL,
    moved_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, no)
);
CREATE INDEX attempt_open ON attempt (account_id, no) WHERE state IN ('created', 'submitted', 'unknown', 'needs_customer');
CREATE INDEX attempt_by_quote ON attempt (account_id, quote);
CREATE INDEX attempt_by_ref ON attempt (ref) WHERE ref <> '';
CREATE INDEX attempt_recent ON attempt (moved_at);

CREATE TABLE attempt_part (
    account_id bigint NOT NULL,
    attempt integer NOT NULL,
    debt integer NOT NULL,
    minor bigint NOT NULL CHECK (minor > 0),
    is_open boolean NOT NULL,
    PRIMARY KEY (account_id, attempt, debt)
);
CREATE UNIQUE INDEX one_open_attempt ON attempt_part (account_id, debt) WHERE is_open;

CREATE TABLE refund (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    ref text NOT NULL UNIQUE,
    payment_ref text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    PRIMARY KEY (account_id, seq)
);

-- How far the sweep of each provider has read, and what it answers for.
CREATE TABLE provider_sweep (provider text PRIMARY KEY, swept_until timestamptz NOT NULL);

-- The edges of an attempt: what is over stays over, and nothing unknown starts anew (I5).
CREATE FUNCTION refuse_attempt_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('paid', 'declined', 'canceled') OR NEW.state = 'created' THEN
        RAISE EXCEPTION 'attempt % of account % cannot go from % to %', OLD.no, OLD.account_id, OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attempt_edges BEFORE UPDATE ON attempt FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refuse_attempt_edge();

ALTER TABLE action DROP CONSTRAINT action_kind_check, ADD CHECK (kind IN ('notice', 'order', 'charge'));
ALTER TABLE entry DROP CONSTRAINT entry_ledger_check,
    ADD CHECK (ledger IN ('receivable', 'revenue', 'bank', 'credit', 'bad_debt', 'refund'));
