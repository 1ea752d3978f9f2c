-- Which user of the operator's sign-in provider a member of staff is, from the first time that they came in by it.
ALTER TABLE staff ADD COLUMN provider_user text NOT NULL DEFAULT '';
