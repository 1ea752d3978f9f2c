-- How often an address was typed into pages, by anybody, in the last day: nobody's mailbox is filled by strangers.
CREATE TABLE typed_address (
    mailbox text NOT NULL,
    typed_at timestamptz NOT NULL
);
CREATE INDEX typed_address_by_mailbox ON typed_address (mailbox, typed_at);
CREATE INDEX typed_address_by_age ON typed_address (typed_at);
