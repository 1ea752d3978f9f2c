-- Where the database was at the last tick: a backup that is put back is found in another place.
ALTER TABLE system_state ADD COLUMN place text NOT NULL DEFAULT '';
