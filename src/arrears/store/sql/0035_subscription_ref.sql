-- What the operator's own systems call a subscription, so that they need no number of ours.
CREATE TABLE subscription_ref (
    ref text PRIMARY KEY,
    account_id bigint NOT NULL,
    no integer NOT NULL,
    UNIQUE (account_id, no)
);
