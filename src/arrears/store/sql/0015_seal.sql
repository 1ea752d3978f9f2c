-- A seal over each account's whole row: who moves the next look, the state or its place in the journal by hand breaks it.
-- Rows of before have none until they are folded anew (`refold_states`), so that no million of them is locked here.
CREATE FUNCTION state_seal(
    account_id bigint, seq bigint, next_at timestamptz, waits boolean, head bytea, state text, recorded_at timestamptz
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(head || convert_to(concat_ws('|', account_id, seq, coalesce(extract(epoch FROM next_at), 0), waits,
        extract(epoch FROM recorded_at), state), 'UTF8'))
$$;
ALTER TABLE account_state ADD COLUMN seal bytea CHECK (octet_length(seal) = 32);

-- How many accounts were ever opened: none can be taken out unseen.
ALTER TABLE system_state ADD COLUMN accounts bigint NOT NULL DEFAULT 0;
UPDATE system_state SET accounts = (SELECT count(*) FROM account_state);
