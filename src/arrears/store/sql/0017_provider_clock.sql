-- How far a provider has been read, by its own clock. `swept_until` is when that was, by ours.
ALTER TABLE provider_sweep ADD COLUMN cursor_at timestamptz;
-- Whether our clock and a provider's differ.
ALTER TABLE system_state ADD COLUMN clock_differs boolean NOT NULL DEFAULT false;
