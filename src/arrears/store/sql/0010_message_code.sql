-- The channel's own code for what became of a message, which names nobody: its words stay in `reply`.
ALTER TABLE message ADD COLUMN code text NOT NULL DEFAULT '';
-- Until now mail was the only channel, and its replies began with their code.
UPDATE message SET code = coalesce(substring(reply from '^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?'), '')
WHERE state IN ('refused', 'bounced_hard');
