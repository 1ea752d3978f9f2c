-- What a member of staff may do is one of four roles; who comes in has a second factor.
ALTER TABLE staff DROP CONSTRAINT staff_role_check;
UPDATE staff SET role = CASE role WHEN 'admin' THEN 'administrator' WHEN 'release' THEN 'approver' ELSE 'agent' END;
ALTER TABLE staff ADD CONSTRAINT staff_role_check CHECK (role IN ('viewer', 'agent', 'approver', 'administrator'));

-- `app` is the key of an authenticator app, encrypted; empty until it was set up. A code lets in once: `code_no` is the
-- number (of half minutes since 1970) of the last that did. `first_password` until a password of their own is chosen.
ALTER TABLE staff ADD COLUMN app text NOT NULL DEFAULT '';
ALTER TABLE staff ADD COLUMN code_no bigint NOT NULL DEFAULT 0;
ALTER TABLE staff ADD COLUMN first_password boolean NOT NULL DEFAULT false;
ALTER TABLE staff ADD COLUMN made_by text NOT NULL DEFAULT '';
