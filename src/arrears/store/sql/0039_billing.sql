-- The billing systems that are connected: what they do not say, and how far they were read and told.
CREATE TABLE billing_system (
    name text PRIMARY KEY,
    options text NOT NULL,
    connected_at timestamptz NOT NULL,
    read_at timestamptz,
    cursor_at timestamptz,
    event_no bigint NOT NULL DEFAULT 0
);
