-- Who may come in. People are customers, staff are the operator's; the two are never the same row, table or session.
-- Facts name both by number only; what is here can be erased or pseudonymised without touching a fact.

CREATE TABLE person (
    person_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sign_in_email text NOT NULL UNIQUE CHECK (sign_in_email = lower(sign_in_email)),
    contact_email text,
    display_name text NOT NULL,
    locale text NOT NULL DEFAULT 'en',
    password text,
    created_at timestamptz NOT NULL
);

CREATE TABLE account_role (
    account_id bigint NOT NULL,
    person_id bigint NOT NULL REFERENCES person,
    role text NOT NULL CHECK (role IN ('administrator', 'billing_reader')),
    PRIMARY KEY (account_id, person_id)
);
CREATE UNIQUE INDEX one_administrator ON account_role (account_id) WHERE role = 'administrator';
CREATE INDEX account_role_by_person ON account_role (person_id);

CREATE TABLE staff (
    staff_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    name text NOT NULL,
    password text,
    role text NOT NULL CHECK (role IN ('support', 'billing', 'release', 'admin')),
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL
);

-- Only the digest of a token is kept; the token itself is shown once.
CREATE TABLE api_token (
    token_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    scope text NOT NULL CHECK (scope IN ('read', 'write')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);

-- One answer for each key of each token. No status: its request is still running.
CREATE TABLE idempotency_key (
    token_id bigint NOT NULL REFERENCES api_token,
    key text NOT NULL,
    request_digest bytea NOT NULL,
    status integer,
    response text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (token_id, key)
);

-- Wrong tries, by what is throttled: an address of the net, or a sign-in name.
CREATE TABLE sign_in_attempt (
    key text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX sign_in_attempt_by_key ON sign_in_attempt (key, at);
