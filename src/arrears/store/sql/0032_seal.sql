-- Binds a state to its place in the journal, so that a run sees at once that nobody changed it by hand. Those of before
-- have none: where something of theirs is cut, their facts are folded, and what is written then is sealed.
ALTER TABLE account_state ADD COLUMN seal bigint;
