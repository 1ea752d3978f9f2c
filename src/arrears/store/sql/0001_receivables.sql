-- The receivables book. Every table leads with account_id, so that partitioning by account needs no redesign.
-- What may exist only once is unique here, whatever the code above believes.

CREATE TABLE schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE policy (
    version text PRIMARY KEY,
    name text NOT NULL,
    body text NOT NULL,
    adopted_no bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX policy_by_name ON policy (name, adopted_no DESC);

CREATE TABLE account (
    account_id bigint PRIMARY KEY CHECK (account_id > 0),
    ref text NOT NULL UNIQUE,
    name text NOT NULL,
    country text NOT NULL,
    zone text NOT NULL,
    locale text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('card', 'invoice')),
    policy text NOT NULL,
    contact text
);
CREATE SEQUENCE account_number;

-- The narrow row of the hot path: the lock, the head of the fact chain, the whole state a decision needs, and when
-- to look again. `state` is text: it is the fold of the facts, byte for byte.
CREATE TABLE account_state (
    account_id bigint PRIMARY KEY,
    seq bigint NOT NULL,
    next_at timestamptz,
    waits boolean NOT NULL,
    head bytea NOT NULL CHECK (octet_length(head) = 32),
    state text NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX account_state_due ON account_state (next_at, account_id) WHERE next_at IS NOT NULL;
CREATE INDEX account_state_waits ON account_state (account_id) WHERE waits;

-- The journal: one stream per account, and stream 0 for the installation. Append-only and hash-chained.
CREATE TABLE fact (
    account_id bigint NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    at timestamptz NOT NULL,
    kind text NOT NULL,
    author text NOT NULL,
    why text NOT NULL,
    hash bytea NOT NULL,
    body text NOT NULL,
    -- The number first: what a run adds to accounts that are far apart then falls on neighbouring pages of the index,
    -- where accounts are young, and never on more pages than the other way round. Read a stream through the view.
    PRIMARY KEY (seq, account_id)
);

-- An account's stream, by as many probes of the index as it has facts.
CREATE VIEW account_fact AS
    SELECT f.* FROM account_state s CROSS JOIN LATERAL generate_series(1, s.seq) AS n (seq)
    JOIN fact f ON f.seq = n.seq AND f.account_id = s.account_id;

-- Room is left in the pages of what is updated, so that an update stays on its page and touches no index.
CREATE TABLE subscription (
    account_id bigint NOT NULL,
    no integer NOT NULL,
    service text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'past_due', 'restricted', 'disabled', 'deleted')),
    generation integer NOT NULL CHECK (generation > 0),
    reasons text NOT NULL,
    restrict_on date,
    disable_on date,
    delete_on date,
    PRIMARY KEY (account_id, no)
) WITH (fillfactor = 80);

CREATE TABLE invoice (
    account_id bigint NOT NULL,
    no integer NOT NULL,
    number text NOT NULL UNIQUE,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    open_minor bigint NOT NULL CHECK (open_minor >= 0),
    issued_on date NOT NULL,
    due_on date NOT NULL,
    day_0 date,
    CHECK (open_minor <= total_minor),
    CHECK (due_on >= issued_on),
    PRIMARY KEY (account_id, no)
) WITH (fillfactor = 80);

CREATE TABLE payment (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    ref text NOT NULL UNIQUE,
    currency text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (account_id, seq)
);

CREATE TABLE entry (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    line smallint NOT NULL,
    ledger text NOT NULL CHECK (ledger IN ('receivable', 'revenue', 'bank', 'credit', 'bad_debt')),
    debt integer NOT NULL,
    currency text NOT NULL,
    minor bigint NOT NULL CHECK (minor <> 0),
    PRIMARY KEY (account_id, seq, line)
);

CREATE TABLE collection_case (
    account_id bigint NOT NULL,
    no integer NOT NULL,
    opened_on date NOT NULL,
    policy text NOT NULL,
    zone text NOT NULL,
    outcome text CHECK (outcome IN ('settled', 'written_off', 'ended_deleted')),
    ended_at timestamptz,
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    PRIMARY KEY (account_id, no)
);
CREATE UNIQUE INDEX one_open_case ON collection_case (account_id) WHERE outcome IS NULL;

CREATE TABLE service_end (
    account_id bigint NOT NULL,
    subscription integer NOT NULL,
    generation integer NOT NULL,
    stopped_on date NOT NULL,
    ended_on date,
    delete_on date,
    scheduled_at timestamptz,
    awaiting_release boolean NOT NULL,
    ordered_at timestamptz,
    PRIMARY KEY (account_id, subscription, generation)
);

CREATE TABLE hold (
    account_id bigint NOT NULL,
    no integer NOT NULL,
    scope text NOT NULL CHECK (scope IN ('debt', 'subscription', 'account')),
    target integer NOT NULL,
    stops text NOT NULL,
    reason text NOT NULL,
    from_at timestamptz NOT NULL,
    until date,
    ended_at timestamptz,
    PRIMARY KEY (account_id, no)
);

CREATE TABLE step (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    case_no integer NOT NULL,
    subscription integer NOT NULL,
    generation integer NOT NULL,
    rung integer NOT NULL,
    promised_on date,
    skipped boolean NOT NULL
);
CREATE UNIQUE INDEX step_once ON step
    (account_id, kind, subscription, generation, case_no, rung, promised_on) NULLS NOT DISTINCT;

-- The queue of what must be performed. A performer claims with SKIP LOCKED and a lease; nothing is ever removed.
CREATE TABLE action (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('notice', 'order')),
    subscription integer NOT NULL,
    order_no integer NOT NULL,
    what text NOT NULL,
    status text NOT NULL CHECK (status IN ('recorded', 'claimed', 'done', 'failed')),
    tries smallint NOT NULL,
    lease_until timestamptz,
    PRIMARY KEY (account_id, seq, kind)
);
CREATE INDEX action_open ON action (account_id, seq) WHERE status IN ('recorded', 'claimed');
CREATE UNIQUE INDEX order_once ON action (account_id, subscription, order_no) WHERE kind = 'order';

CREATE TABLE task (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    what text NOT NULL,
    closed_seq bigint,
    PRIMARY KEY (account_id, seq)
);
CREATE INDEX task_open ON task (account_id, seq) WHERE closed_seq IS NULL;

CREATE TABLE system_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL,
    head bytea NOT NULL,
    last_tick_at timestamptz,
    clock_suspect boolean NOT NULL,
    feed_stale boolean NOT NULL,
    breaker_open boolean NOT NULL
);
INSERT INTO system_state VALUES (true, 0, decode(repeat('00', 32), 'hex'), NULL, false, false, false);

CREATE TABLE deletion_day (day date PRIMARY KEY, ordered integer NOT NULL CHECK (ordered >= 0));

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: corrections are new rows', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER fact_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON fact
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Double entry: what one statement adds must balance per fact and currency.
CREATE FUNCTION refuse_imbalance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added GROUP BY account_id, seq, currency HAVING sum(minor) <> 0) THEN
        RAISE EXCEPTION 'entries do not balance' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_balances AFTER INSERT ON entry REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_imbalance();

-- The edges of section 2 of the specification; `deleted` is final.
CREATE FUNCTION refuse_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('active', 'past_due'), ('active', 'disabled'),
        ('past_due', 'active'), ('past_due', 'restricted'), ('past_due', 'disabled'),
        ('restricted', 'active'), ('restricted', 'past_due'), ('restricted', 'disabled'),
        ('disabled', 'active'), ('disabled', 'past_due'), ('disabled', 'deleted')
    ) THEN
        RAISE EXCEPTION 'subscription % of account % cannot go from % to %',
            OLD.no, OLD.account_id, OLD.state, NEW.state USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER subscription_edges BEFORE UPDATE ON subscription FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refuse_edge();

