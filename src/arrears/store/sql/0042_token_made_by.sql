-- Who made a token, as the journal says who did something; empty of one that is older.
ALTER TABLE api_token ADD COLUMN made_by text NOT NULL DEFAULT '';
