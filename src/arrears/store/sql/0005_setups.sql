-- Pages at the provider on which a person sets up a method, and what it is to pay the moment it is there. The person
-- may close the tab: whoever hears first that the page is done, the return page, the webhook or the sweep, goes on.

CREATE TABLE setup_page (
    setup_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL,
    author text NOT NULL,
    provider text NOT NULL,
    ref text,
    url text NOT NULL DEFAULT '',
    shown jsonb NOT NULL,
    also integer[] NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'settling', 'done', 'failed')),
    why text NOT NULL DEFAULT '',
    method integer NOT NULL DEFAULT 0,
    attempts integer[] NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL,
    claimed_at timestamptz,
    UNIQUE (provider, ref)
);
CREATE INDEX setup_page_by_account ON setup_page (account_id, setup_id);
CREATE INDEX setup_page_settling ON setup_page (claimed_at) WHERE state = 'settling';
