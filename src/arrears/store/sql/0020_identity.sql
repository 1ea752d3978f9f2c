-- Who this installation is to its payment providers, and since when, where it began as a copy of another.
ALTER TABLE system_state ADD COLUMN identity text NOT NULL DEFAULT '', ADD COLUMN copied_at timestamptz;
-- What other installations have at the same account of a provider, as it is met and left alone.
CREATE TABLE foreign_object (
    provider text NOT NULL,
    ref text NOT NULL,
    installation text NOT NULL,
    met_at timestamptz NOT NULL,
    PRIMARY KEY (provider, ref)
);
