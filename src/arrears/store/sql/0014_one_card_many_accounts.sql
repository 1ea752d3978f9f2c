-- The networks count on the card, whichever accounts it pays for: what was tried on it is found by its fingerprint.
CREATE INDEX payment_method_by_fingerprint ON payment_method (at_provider, fingerprint);
