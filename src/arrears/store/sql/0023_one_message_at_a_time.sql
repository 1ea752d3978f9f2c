-- What makes the name of a message its own also after a database was restored, and how far one is that is claimed: a
-- sender that dies leaves those whose turn had not come to the next one.
ALTER TABLE message
    ADD COLUMN mark text NOT NULL DEFAULT '',
    ADD COLUMN handing text NOT NULL DEFAULT '';
