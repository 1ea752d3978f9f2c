-- Support requests. Facts name a request by its number alone: what people wrote, and who they are, is here, and can be
-- erased.

CREATE TABLE support_request (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- 0 while it belongs to no account: not confirmed yet, or not recognised.
    account_id bigint NOT NULL DEFAULT 0,
    -- The fact that opened it.
    seq bigint NOT NULL DEFAULT 0,
    about text NOT NULL CHECK (about IN ('paid_but_disabled', 'cannot_pay', 'invoice_question', 'administrator_gone',
        'other')),
    via text NOT NULL CHECK (via IN ('administrator', 'reader', 'link', 'anonymous', 'arrears')),
    state text NOT NULL CHECK (state IN ('unconfirmed', 'confirmed', 'open', 'answered', 'closed')),
    -- In which case it holds, and as which of those that hold once there; empty where it holds nothing by itself.
    case_no integer NOT NULL DEFAULT 0,
    slot text NOT NULL DEFAULT '',
    holds integer[] NOT NULL DEFAULT '{}',
    person_id bigint NOT NULL DEFAULT 0,
    -- Who asked, where that is nobody we know by number; what they have of the account; where from.
    name text NOT NULL DEFAULT '',
    address text NOT NULL DEFAULT '',
    company text NOT NULL DEFAULT '',
    known_by text NOT NULL DEFAULT '',
    locale text NOT NULL DEFAULT '',
    net text NOT NULL DEFAULT '',
    asked_at timestamptz NOT NULL,
    -- Only who comes in by a confirmed address waits to be placed; a stranger touches no account before.
    CHECK (via = 'anonymous' OR state NOT IN ('unconfirmed', 'confirmed')),
    CHECK (account_id = 0 OR state NOT IN ('unconfirmed', 'confirmed')),
    CHECK (account_id > 0 OR (slot = '' AND holds = '{}')),
    CHECK (slot = '' OR case_no <> 0)
);
CREATE UNIQUE INDEX support_holds_once ON support_request (account_id, case_no, slot) WHERE slot <> '';
CREATE UNIQUE INDEX support_request_fact ON support_request (account_id, seq) WHERE seq > 0;
CREATE INDEX support_request_by_account ON support_request (account_id, request_id);
CREATE INDEX support_request_waiting ON support_request (request_id) WHERE state IN ('confirmed', 'open');
CREATE INDEX support_request_by_address ON support_request (lower(address), asked_at) WHERE address <> '';
CREATE INDEX support_request_by_net ON support_request (net, asked_at) WHERE net <> '';

-- What was said in a request, in order. `author` is empty for the person who asked, else the member of staff; `seq` is
-- the fact that says so, 0 for a request that has no account.
CREATE TABLE support_entry (
    request_id bigint NOT NULL REFERENCES support_request,
    no integer NOT NULL CHECK (no > 0),
    author text NOT NULL,
    body text NOT NULL CHECK (length(body) BETWEEN 1 AND 4000),
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (request_id, no)
);

-- Links of people who do not sign in: to confirm an address, or to read the conversation. Only digests are kept.
CREATE TABLE support_link (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    request_id bigint NOT NULL REFERENCES support_request,
    opens text NOT NULL CHECK (opens IN ('confirm', 'conversation')),
    made_at timestamptz NOT NULL
);

-- Mail to people who are not an account's: it has a queue of its own, so that nothing about it depends on whether
-- there is an account. Claimed and committed before it is handed over, like every message.
CREATE TABLE support_letter (
    letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id bigint NOT NULL REFERENCES support_request,
    kind text NOT NULL CHECK (kind IN ('support_confirm', 'support_received', 'support_answered')),
    state text NOT NULL CHECK (state IN ('waiting', 'claimed', 'accepted', 'refused', 'unknown')),
    at timestamptz NOT NULL
);
CREATE INDEX support_letter_open ON support_letter (letter_id) WHERE state IN ('waiting', 'claimed');

-- An account is found by its name as its owner writes it.
CREATE INDEX account_by_name ON account (lower(btrim(name)));
