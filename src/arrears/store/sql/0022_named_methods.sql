-- A payment method that a receivables book says a customer has at a provider already. Only its name is known: it is
-- looked at there before it is added, and nothing is charged before that.
CREATE TABLE named_method (
    account_id bigint PRIMARY KEY,
    at_provider text NOT NULL,
    customer_ref text NOT NULL,
    ref text NOT NULL,
    named_at timestamptz NOT NULL,
    answer text NOT NULL DEFAULT 'waiting' CHECK (answer IN ('waiting', 'added', 'refused')),
    why text NOT NULL DEFAULT ''
);
CREATE INDEX named_method_waiting ON named_method (account_id) WHERE answer = 'waiting';
CREATE INDEX named_method_by_ref ON named_method (at_provider, ref);
