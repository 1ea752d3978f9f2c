-- What was tried in vain on a provider's own page, to pay or to set a card up: the networks count it on the card.
CREATE TABLE card_try (
    account_id bigint NOT NULL,
    ref text NOT NULL,
    at_provider text NOT NULL,
    fingerprint text NOT NULL,
    tried_at timestamptz NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    decline text NOT NULL,
    network_code text NOT NULL,
    advice text NOT NULL,
    PRIMARY KEY (account_id, ref)
);
CREATE INDEX card_try_by_fingerprint ON card_try (at_provider, fingerprint);
