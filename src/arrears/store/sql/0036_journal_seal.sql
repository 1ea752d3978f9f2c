-- The exclusive or of the hashes of an account's facts, which its seal binds too: before something is cut, all that the
-- journal says is compared with it. Accounts of before have none, and what was sealed without it counts as not sealed:
-- where something of theirs is cut, their facts are folded, and they are sealed by that.
ALTER TABLE account_state ADD COLUMN journal bigint;
