-- Messages, and the addresses that they go to. What is here can be erased or pseudonymised without touching a fact.

ALTER TABLE person
    ADD COLUMN zone text NOT NULL DEFAULT '',
    ADD COLUMN contact_confirmed_at timestamptz;

-- Technical contacts: they are warned, and may do nothing.
CREATE TABLE extra_recipient (
    account_id bigint NOT NULL,
    address text NOT NULL,
    name text NOT NULL,
    locale text NOT NULL,
    PRIMARY KEY (account_id, address)
);

-- One message to one address: claimed and committed before it is handed over.
CREATE TABLE message (
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    no smallint NOT NULL CHECK (no > 0),
    kind text NOT NULL,
    cause text NOT NULL,
    on_day date NOT NULL,
    address text NOT NULL,
    role text NOT NULL,
    person_id bigint NOT NULL,
    language text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'claimed', 'accepted', 'unknown', 'refused', 'dropped',
        'bounced_hard', 'bounced_soft', 'complained')),
    reply text NOT NULL,
    at timestamptz NOT NULL,
    back_at timestamptz,
    PRIMARY KEY (account_id, seq, no)
) WITH (fillfactor = 80);
-- At most one of a kind and cause for each account, local day and address, whatever the code above believes.
CREATE UNIQUE INDEX message_once_a_day ON message (account_id, on_day, kind, cause, lower(address))
    WHERE state NOT IN ('waiting', 'refused', 'dropped');
CREATE INDEX message_by_hour ON message (at);
CREATE INDEX message_by_address ON message (address, at);
CREATE INDEX message_back ON message (back_at) WHERE back_at IS NOT NULL;

-- Addresses that have bounced hard, until their owner confirms them anew.
CREATE TABLE dead_address (
    address text PRIMARY KEY,
    since timestamptz NOT NULL,
    why text NOT NULL
);

-- A link to confirm an address. Only the digest of its token is kept.
CREATE TABLE address_request (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL,
    person_id bigint NOT NULL REFERENCES person,
    old_address text NOT NULL,
    new_address text NOT NULL,
    digest bytea UNIQUE CHECK (octet_length(digest) = 32),
    asked_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX address_request_by_account ON address_request (account_id);
CREATE INDEX address_request_by_person ON address_request (person_id, asked_at);

-- A link in a message that pays without a sign-in. It ends with its case and with the administrator it was given to.
CREATE TABLE pay_link (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    account_id bigint NOT NULL,
    person_id bigint NOT NULL,
    address text NOT NULL,
    case_no integer NOT NULL,
    made_at timestamptz NOT NULL
);
