-- The same durable writes by SQL alone: what the engine wrote was kept in `staged_*`; one call does one batch of it,
-- hashing the same bytes. It decides nothing and builds nothing, so it is the fastest the server can do this.
CREATE FUNCTION bare_batch(now_at timestamptz, accounts_max integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
BEGIN
    ids := ARRAY(
        SELECT account_id FROM account_state WHERE next_at <= now_at AND recorded_at <= now_at
        ORDER BY next_at, account_id LIMIT accounts_max FOR NO KEY UPDATE SKIP LOCKED);
    IF cardinality(ids) = 0 THEN
        RETURN 0;
    END IF;
    INSERT INTO fact (account_id, seq, at, kind, author, why, hash, body)
        SELECT account_id, seq, at, kind, author, why,
            sha256(previous || convert_to(account_id || '|' || seq || '|' || stamp || '|' || author || '|' || why || '|' || body, 'UTF8')),
            body
        FROM staged_fact WHERE account_id = ANY (ids);
    INSERT INTO step SELECT * FROM staged_step WHERE account_id = ANY (ids);
    INSERT INTO action SELECT * FROM staged_action WHERE account_id = ANY (ids);
    INSERT INTO collection_case SELECT * FROM staged_case WHERE account_id = ANY (ids);
    UPDATE invoice i SET open_minor = v.open_minor, day_0 = v.day_0
        FROM staged_invoice v WHERE v.account_id = ANY (ids) AND i.account_id = v.account_id AND i.no = v.no;
    UPDATE subscription s SET state = v.state, generation = v.generation, reasons = v.reasons,
            restrict_on = v.restrict_on, disable_on = v.disable_on, delete_on = v.delete_on
        FROM staged_subscription v WHERE v.account_id = ANY (ids) AND s.account_id = v.account_id AND s.no = v.no;
    INSERT INTO service_end AS e SELECT * FROM staged_service_end WHERE account_id = ANY (ids)
        ON CONFLICT (account_id, subscription, generation) DO UPDATE SET delete_on = excluded.delete_on;
    UPDATE account_state s SET seq = v.seq, next_at = v.next_at, waits = v.waits, head = v.head, state = v.state,
            recorded_at = now_at, journal = v.journal, seal = hashtextextended(v.state, v.journal # v.seq)
        FROM staged_state v WHERE v.account_id = ANY (ids) AND s.account_id = v.account_id;
    RETURN cardinality(ids);
END $$;
