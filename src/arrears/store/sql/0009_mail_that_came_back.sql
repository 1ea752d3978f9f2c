-- A message that did not arrive, for whatever final reason that says nothing about its address.
ALTER TABLE message DROP CONSTRAINT message_state_check;
UPDATE message SET state = 'came_back' WHERE state = 'bounced_soft';
ALTER TABLE message ADD CONSTRAINT message_state_check CHECK (state IN ('waiting', 'claimed', 'accepted', 'unknown',
    'refused', 'dropped', 'bounced_hard', 'came_back', 'complained'));
