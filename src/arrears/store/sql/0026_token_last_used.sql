-- When a token was last used, to the minute: whoever wants to revoke one sees whether a program still lives by it.
ALTER TABLE api_token ADD COLUMN last_used_at timestamptz;
