-- Whose data was erased, so that a backup that is older can have it erased anew: numbers and digests, no names.
CREATE TABLE erasure (
    erasure_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- 0 for an address alone.
    person_id bigint NOT NULL,
    -- SHA-256 of the mailbox that they signed in with.
    signed_in_as bytea CHECK (octet_length(signed_in_as) = 32),
    at timestamptz NOT NULL,
    author text NOT NULL,
    why text NOT NULL
);
CREATE INDEX erasure_by_person ON erasure (person_id);
-- SHA-256 of each mailbox: nobody writes to it again before its owner comes back.
CREATE TABLE erased_mailbox (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    erasure_no bigint NOT NULL REFERENCES erasure
);
-- Since when a person has no account that is still served or owes: null while there is one.
ALTER TABLE person ADD COLUMN without_account_since timestamptz;
-- When what is kept no longer than needed was last looked through, and of what is looked through by time, how far.
CREATE TABLE retention_sweep (
    table_name text PRIMARY KEY,
    swept_at timestamptz NOT NULL,
    until timestamptz
);
