-- Events and deliveries. Which facts were written by which transaction and have no number yet: a row for each batch, in
-- the statement that writes its states. One courier at a time numbers what it sees here and takes the row away, so that
-- what commits later has a higher number, whatever began first.
CREATE TABLE unnumbered (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    accounts bigint[] NOT NULL,
    was bigint[] NOT NULL,
    seqs bigint[] NOT NULL
);
INSERT INTO unnumbered (accounts, was, seqs)
SELECT array_agg(account_id ORDER BY account_id), array_agg(0 ORDER BY account_id), array_agg(seq ORDER BY account_id)
FROM account_state GROUP BY account_id / 1000 ORDER BY account_id / 1000;

-- The order in which facts became known outside; the journal says what they are.
CREATE TABLE event (
    no bigint PRIMARY KEY,
    account_id bigint NOT NULL,
    seq bigint NOT NULL
);
CREATE UNIQUE INDEX event_once ON event (account_id, seq);

-- Where parcels go: events to the operator's systems, orders to services.
CREATE TABLE endpoint (
    endpoint_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    use text NOT NULL CHECK (use IN ('events', 'service')),
    name text NOT NULL,
    url text NOT NULL,
    kinds text NOT NULL,
    account_id bigint NOT NULL DEFAULT 0,
    state text NOT NULL CHECK (state IN ('on', 'off', 'removed')),
    why text NOT NULL DEFAULT '',
    event_no bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    next_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX endpoint_name ON endpoint (name) WHERE state <> 'removed';
CREATE TABLE endpoint_secret (
    endpoint_id bigint NOT NULL REFERENCES endpoint,
    no integer NOT NULL,
    secret text NOT NULL,
    made_at timestamptz NOT NULL,
    until timestamptz,
    PRIMARY KEY (endpoint_id, no)
);

-- The queue. Room is left in its pages, so that a try stays on its page.
CREATE TABLE delivery (
    endpoint_id bigint NOT NULL REFERENCES endpoint,
    message text NOT NULL,
    key text NOT NULL,
    place bigint NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    fenced boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'acknowledged', 'parked')),
    tries integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    lease_until timestamptz,
    failing_since timestamptz,
    made_at timestamptz NOT NULL,
    moved_at timestamptz NOT NULL,
    status smallint,
    said text NOT NULL DEFAULT '',
    PRIMARY KEY (endpoint_id, message)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX delivery_in_order ON delivery (endpoint_id, key, place) WHERE state <> 'acknowledged';
CREATE INDEX delivery_pending ON delivery (endpoint_id, place) WHERE state = 'pending';
