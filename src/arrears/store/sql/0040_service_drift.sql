-- Where a service says otherwise than we do, since when, and what was done about it; gone when it is.
CREATE TABLE service_drift (
    endpoint_id bigint NOT NULL REFERENCES endpoint,
    reported_account bigint NOT NULL,
    subscription integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('off', 'gone', 'on', 'other', 'ahead', 'unknown')),
    wanted text NOT NULL,
    reported text NOT NULL,
    sequence integer NOT NULL,
    given integer NOT NULL,
    since timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    has_task boolean NOT NULL DEFAULT false,
    repairs integer NOT NULL DEFAULT 0,
    PRIMARY KEY (endpoint_id, reported_account, subscription)
);
ALTER TABLE endpoint ADD COLUMN asked_at timestamptz;
