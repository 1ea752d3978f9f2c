-- Signing in: the sessions of a person, the links that let somebody in, and what wrong tries are counted by.
-- What is here can be erased or pseudonymised without touching a fact.

-- No password that anybody could type; the same mark as Django's for an unusable one.
UPDATE person SET password = '!' WHERE password IS NULL;
ALTER TABLE person
    ALTER COLUMN password SET DEFAULT '!',
    ALTER COLUMN password SET NOT NULL,
    -- Every session carries the epoch that it began in: adding one ends them all, in whatever transaction that is.
    ADD COLUMN session_epoch integer NOT NULL DEFAULT 0;

-- The sessions that a person can see and end. The session itself is Django's; without its row there, this one is over.
CREATE TABLE sign_in_session (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES person ON DELETE CASCADE,
    session_key text NOT NULL UNIQUE,
    began_at timestamptz NOT NULL,
    browser text NOT NULL,
    address text NOT NULL
);
CREATE INDEX sign_in_session_by_person ON sign_in_session (person_id);

-- A link in a message that lets somebody in: an invitation, or a new password. Only the digest of its token is kept.
CREATE TABLE sign_in_link (
    link_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('invitation', 'reset')),
    person_id bigint REFERENCES person ON DELETE CASCADE,
    address text NOT NULL,
    name text NOT NULL,
    locale text NOT NULL,
    role text CHECK (role IN ('administrator', 'billing_reader')),
    digest bytea UNIQUE CHECK (octet_length(digest) = 32),
    asked_at timestamptz NOT NULL,
    over_at timestamptz,
    CHECK ((kind = 'reset') = (person_id IS NOT NULL)),
    CHECK ((kind = 'invitation') = (role IS NOT NULL))
);
CREATE INDEX sign_in_link_open ON sign_in_link (account_id) WHERE over_at IS NULL;
CREATE INDEX sign_in_link_by_person ON sign_in_link (person_id, asked_at);
CREATE UNIQUE INDEX one_invitation ON sign_in_link (account_id, lower(address))
    WHERE kind = 'invitation' AND over_at IS NULL;

-- Old tries are forgotten.
CREATE INDEX sign_in_attempt_by_age ON sign_in_attempt (at);

-- Django's cache, shared by every process: the one-time codes that have been used.
CREATE TABLE web_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX web_cache_expires ON web_cache (expires);
