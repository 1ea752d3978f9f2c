-- The maps under which the newest export was refused as a whole.
ALTER TABLE system_state ADD COLUMN books_refused text[] NOT NULL DEFAULT '{}';
