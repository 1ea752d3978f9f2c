-- What a token lets its program do, word by word; of which account alone; and the secret before, while both are good.
ALTER TABLE api_token DROP CONSTRAINT api_token_scope_check;
UPDATE api_token SET scope = CASE scope WHEN 'read' THEN '*:read' ELSE '*:money *:read *:write' END;
ALTER TABLE api_token
    ADD CONSTRAINT api_token_scope_check CHECK (scope ~ '^[a-z*]+:[a-z]+( [a-z*]+:[a-z]+)*$'),
    ADD COLUMN account_id bigint REFERENCES account,
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN digest_before bytea UNIQUE CHECK (octet_length(digest_before) = 32),
    ADD COLUMN before_until timestamptz;
