-- Functions of the double-entry book, created by revision 0003. Every statement ends with $$;

CREATE FUNCTION entry_hash(
  p_kind text, p_reference text, p_external text, p_occurred_at timestamptz,
  p_codes text[], p_currencies text[], p_owner_kinds text[], p_owner_ids text[],
  p_amounts numeric[], p_reverses uuid, p_hold uuid
) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(convert_to(jsonb_build_array(
    p_kind, p_reference, p_external, extract(epoch FROM p_occurred_at), p_codes, p_currencies,
    p_owner_kinds, p_owner_ids, p_amounts::numeric(28,8)[], p_reverses, p_hold)::text, 'UTF8'))
$$;

-- Finds the account of each line in order, and opens those that do not exist yet.
CREATE FUNCTION accounts_for(
  p_codes text[], p_currencies text[], p_owner_kinds text[], p_owner_ids text[]
) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
  v_found uuid[];
BEGIN
  FOR attempt IN 1..2 LOOP
    SELECT array_agg(a.id ORDER BY l.n) INTO v_found
    FROM unnest(p_codes, p_currencies, p_owner_kinds, p_owner_ids)
      WITH ORDINALITY AS l(code, currency, owner_kind, owner_id, n)
    LEFT JOIN ledger_account a ON a.code = l.code AND a.currency = l.currency
      AND a.owner_kind = l.owner_kind AND a.owner_id = l.owner_id;
    IF array_position(v_found, NULL) IS NULL THEN
      RETURN v_found;
    END IF;
    -- One order for everybody, so that two openers never wait for each other.
    INSERT INTO ledger_account (code, currency, owner_kind, owner_id)
    SELECT DISTINCT l.code, l.currency, l.owner_kind, l.owner_id
    FROM unnest(p_codes, p_currencies, p_owner_kinds, p_owner_ids)
      AS l(code, currency, owner_kind, owner_id)
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (code, currency, owner_kind, owner_id) DO NOTHING;
  END LOOP;
  RAISE EXCEPTION 'the account of a line could not be opened' USING ERRCODE = 'MQ003';
END
$$;

-- Gives every new account its balance row; the guard comes from the list of codes.
CREATE FUNCTION open_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO balance (account_id, guarded)
  SELECT NEW.id, c.guarded FROM account_code c
  WHERE c.code = NEW.code AND c.owner_kind = NEW.owner_kind;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no account % can belong to a %', NEW.code, NEW.owner_kind
      USING ERRCODE = 'MQ003';
  END IF;
  RETURN NULL;
END
$$;

-- Opens accounts before anything is posted to them, for the chart of a new brokerage.
CREATE FUNCTION open_accounts(
  p_codes text[], p_currencies text[], p_owner_kinds text[], p_owner_ids text[]
) RETURNS uuid[] LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  RETURN accounts_for(p_codes, p_currencies, p_owner_kinds, p_owner_ids);
END
$$;

-- Closes the holds that entries use up, each by the entry at its place in p_users, and returns
-- what they release. Holds are locked in the order of their ids, and before any balance.
CREATE FUNCTION use_holds(
  p_users uuid[], p_holds uuid[], p_entries uuid[], p_accounts uuid[], p_amounts numeric[],
  OUT accounts uuid[], OUT amounts numeric[]
) LANGUAGE plpgsql AS $$
DECLARE
  v_wrong boolean;
BEGIN
  PERFORM 1 FROM hold WHERE id = ANY (p_holds) ORDER BY id FOR UPDATE;
  WITH used AS (
    UPDATE hold h SET state = 'posted', entry_id = u.entry_id, closed_at = now()
    FROM unnest(p_users, p_holds) AS u(entry_id, hold_id)
    WHERE h.id = u.hold_id AND h.state = 'pending'
    RETURNING h.entry_id, h.account_id, h.amount
  ), taken AS (
    SELECT l.entry_id, l.account_id, sum(l.amount) AS amount
    FROM unnest(p_entries, p_accounts, p_amounts) AS l(entry_id, account_id, amount)
    GROUP BY l.entry_id, l.account_id
  )
  SELECT array_agg(u.account_id), array_agg(u.amount),
    bool_or(t.amount IS NULL OR t.amount <= 0 OR t.amount > u.amount)
  INTO accounts, amounts, v_wrong
  FROM used u LEFT JOIN taken t ON t.entry_id = u.entry_id AND t.account_id = u.account_id;
  -- A hold that two entries of a batch would use is closed for the second one.
  IF cardinality(accounts) IS DISTINCT FROM cardinality(p_holds) THEN
    RAISE EXCEPTION 'the hold is not pending' USING ERRCODE = 'MQ004';
  END IF;
  IF v_wrong THEN
    RAISE EXCEPTION 'an entry may take no more than its hold' USING ERRCODE = 'MQ003';
  END IF;
END
$$;

-- Moves the balances and writes the lines of one or many entries; what use_holds returned is
-- released in the same update, for its accounts are among those of the lines. Balances are locked
-- in the order of their ids first: every writer does, so writers never wait in a circle.
CREATE FUNCTION apply_lines(
  p_entries uuid[], p_lines int[], p_accounts uuid[], p_amounts numeric[], p_currencies text[],
  p_hold_accounts uuid[], p_hold_amounts numeric[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_written int;
BEGIN
  PERFORM 1 FROM balance
  WHERE account_id = ANY (p_accounts) ORDER BY account_id FOR NO KEY UPDATE;
  WITH line AS (
    SELECT l.entry_id, l.line, l.account_id, l.amount, l.currency,
      row_number() OVER w AS step,
      sum(l.amount) OVER w AS running
    FROM unnest(p_entries, p_lines, p_accounts, p_amounts::numeric(28,8)[], p_currencies)
      WITH ORDINALITY AS l(entry_id, line, account_id, amount, currency, n)
    WINDOW w AS (PARTITION BY l.account_id ORDER BY l.n)
  ), freed AS (
    SELECT h.account_id, sum(h.amount) AS amount
    FROM unnest(p_hold_accounts, p_hold_amounts) AS h(account_id, amount) GROUP BY h.account_id
  ), delta AS (
    SELECT l.account_id, sum(l.amount) AS amount, count(*) AS steps,
      coalesce(min(f.amount), 0) AS freed
    FROM line l LEFT JOIN freed f ON f.account_id = l.account_id GROUP BY l.account_id
  ), moved AS (
    UPDATE balance b
    SET amount = b.amount + d.amount, held = b.held - d.freed, version = b.version + d.steps
    FROM delta d
    WHERE b.account_id = d.account_id
      AND (NOT b.guarded OR -(b.amount + d.amount) - (b.held - d.freed) >= 0)
    RETURNING b.account_id, b.amount - d.amount AS amount, b.version - d.steps AS version
  )
  INSERT INTO posting (entry_id, line, account_id, account_version, amount, balance_after, currency)
  SELECT l.entry_id, l.line, l.account_id, m.version + l.step, l.amount,
    m.amount + l.running, l.currency
  FROM line l JOIN moved m ON m.account_id = l.account_id;
  GET DIAGNOSTICS v_written = ROW_COUNT;
  IF v_written <> cardinality(p_accounts) THEN
    RAISE EXCEPTION 'an account does not hold enough' USING ERRCODE = 'MQ001';
  END IF;
END
$$;

-- The one way to write an entry. A hold given with it is released and closed by it.
CREATE FUNCTION post(
  p_key text, p_kind text, p_reference text, p_external text, p_occurred_at timestamptz,
  p_actor text, p_codes text[], p_currencies text[], p_owner_kinds text[], p_owner_ids text[],
  p_amounts numeric[], p_reverses uuid DEFAULT NULL, p_hold uuid DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_hash bytea := entry_hash(p_kind, p_reference, p_external, p_occurred_at, p_codes,
    p_currencies, p_owner_kinds, p_owner_ids, p_amounts, p_reverses, p_hold);
  v_lines int := cardinality(p_amounts);
  v_entry uuid;
  v_first bytea;
  v_entries uuid[];
  v_accounts uuid[];
  v_hold_accounts uuid[];
  v_hold_amounts numeric[];
BEGIN
  IF v_lines IS NULL OR v_lines < 2 OR v_lines <> ALL (ARRAY[cardinality(p_codes),
      cardinality(p_currencies), cardinality(p_owner_kinds), cardinality(p_owner_ids)]) THEN
    RAISE EXCEPTION 'an entry has two lines or more' USING ERRCODE = 'MQ003';
  END IF;
  INSERT INTO entry (key, request_hash, kind, reference, external_reference, occurred_at, actor,
    reverses_id)
  VALUES (p_key, v_hash, p_kind, p_reference, p_external, coalesce(p_occurred_at, now()), p_actor,
    p_reverses)
  ON CONFLICT (key) DO NOTHING RETURNING id INTO v_entry;
  IF v_entry IS NULL THEN
    SELECT id, request_hash INTO v_entry, v_first FROM entry WHERE key = p_key;
    IF v_first <> v_hash THEN
      RAISE EXCEPTION 'this key has posted something else' USING ERRCODE = 'MQ002';
    END IF;
    RETURN v_entry;
  END IF;
  v_accounts := accounts_for(p_codes, p_currencies, p_owner_kinds, p_owner_ids);
  v_entries := array_fill(v_entry, ARRAY[v_lines]);
  IF p_hold IS NOT NULL THEN
    SELECT u.accounts, u.amounts INTO v_hold_accounts, v_hold_amounts
    FROM use_holds(ARRAY[v_entry], ARRAY[p_hold], v_entries, v_accounts, p_amounts) u;
  END IF;
  PERFORM apply_lines(v_entries, ARRAY(SELECT generate_series(1, v_lines)), v_accounts, p_amounts,
    p_currencies, v_hold_accounts, v_hold_amounts);
  RETURN v_entry;
END
$$;

-- Many entries at once: one update per account, however many lines it has in the batch. An entry
-- is {key, kind, reference, external, occurred_at, hold,
-- lines: [[code, currency, kind, id, amount]]}; all but key, kind and lines may be missing.
CREATE FUNCTION post_batch(p_entries jsonb, p_actor text) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_keys text[]; v_hashes bytea[]; v_kinds text[]; v_references text[]; v_externals text[];
  v_occurred timestamptz[]; v_shortest int; v_new uuid[]; v_new_keys text[]; v_ids uuid[];
  v_changed boolean; v_entries uuid[]; v_lines int[]; v_codes text[]; v_currencies text[];
  v_owner_kinds text[]; v_owner_ids text[]; v_amounts numeric[]; v_accounts uuid[];
  v_holds uuid[]; v_used uuid[]; v_users uuid[]; v_hold_accounts uuid[]; v_hold_amounts numeric[];
BEGIN
  SELECT array_agg(d.e->>'key' ORDER BY d.n), array_agg(d.e->>'kind' ORDER BY d.n),
    array_agg(coalesce(d.e->>'reference', '') ORDER BY d.n),
    array_agg(d.e->>'external' ORDER BY d.n),
    array_agg((d.e->>'occurred_at')::timestamptz ORDER BY d.n),
    array_agg((d.e->>'hold')::uuid ORDER BY d.n), min(cardinality(l.amounts)),
    array_agg(entry_hash(d.e->>'kind', coalesce(d.e->>'reference', ''), d.e->>'external',
      (d.e->>'occurred_at')::timestamptz, l.codes, l.currencies, l.owner_kinds, l.owner_ids,
      l.amounts, NULL, (d.e->>'hold')::uuid) ORDER BY d.n)
  INTO v_keys, v_kinds, v_references, v_externals, v_occurred, v_holds, v_shortest, v_hashes
  FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS d(e, n)
  CROSS JOIN LATERAL (
    SELECT array_agg(x->>0 ORDER BY o) AS codes, array_agg(x->>1 ORDER BY o) AS currencies,
      array_agg(x->>2 ORDER BY o) AS owner_kinds, array_agg(x->>3 ORDER BY o) AS owner_ids,
      array_agg((x->>4)::numeric ORDER BY o) AS amounts
    FROM jsonb_array_elements(d.e->'lines') WITH ORDINALITY AS lines(x, o)) l;
  IF v_keys IS NULL THEN
    RETURN ARRAY[]::uuid[];
  END IF;
  IF v_shortest IS NULL OR v_shortest < 2 THEN
    RAISE EXCEPTION 'an entry has two lines or more' USING ERRCODE = 'MQ003';
  END IF;
  WITH fresh AS (
    INSERT INTO entry (key, request_hash, kind, reference, external_reference, occurred_at, actor)
    SELECT DISTINCT ON (d.key) d.key, d.hash, d.kind, d.reference, d.external,
      coalesce(d.occurred_at, now()), p_actor
    FROM unnest(v_keys, v_hashes, v_kinds, v_references, v_externals, v_occurred)
      WITH ORDINALITY AS d(key, hash, kind, reference, external, occurred_at, n)
    ORDER BY d.key, d.n
    ON CONFLICT (key) DO NOTHING RETURNING id, key
  )
  SELECT array_agg(id), array_agg(key) INTO v_new, v_new_keys FROM fresh;
  SELECT array_agg(e.id ORDER BY d.n), bool_or(e.request_hash <> d.hash) INTO v_ids, v_changed
  FROM unnest(v_keys, v_hashes) WITH ORDINALITY AS d(key, hash, n) JOIN entry e ON e.key = d.key;
  IF v_changed THEN
    RAISE EXCEPTION 'a key has posted something else' USING ERRCODE = 'MQ002';
  END IF;
  IF v_new IS NULL THEN
    RETURN v_ids;
  END IF;
  SELECT array_agg(d.id ORDER BY d.n, l.o), array_agg(l.o::int ORDER BY d.n, l.o),
    array_agg(l.x->>0 ORDER BY d.n, l.o), array_agg(l.x->>1 ORDER BY d.n, l.o),
    array_agg(l.x->>2 ORDER BY d.n, l.o), array_agg(l.x->>3 ORDER BY d.n, l.o),
    array_agg((l.x->>4)::numeric ORDER BY d.n, l.o)
  INTO v_entries, v_lines, v_codes, v_currencies, v_owner_kinds, v_owner_ids, v_amounts
  FROM (
    SELECT DISTINCT ON (f.key) f.id, r.n, r.e->'lines' AS lines
    FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS r(e, n)
    JOIN unnest(v_new, v_new_keys) AS f(id, key) ON f.key = r.e->>'key'
    ORDER BY f.key, r.n) d
  CROSS JOIN LATERAL jsonb_array_elements(d.lines) WITH ORDINALITY AS l(x, o);
  v_accounts := accounts_for(v_codes, v_currencies, v_owner_kinds, v_owner_ids);
  -- Repeats of a key have the same hold: they have the same hash.
  SELECT array_agg(u.hold), array_agg(u.id) INTO v_used, v_users
  FROM (
    SELECT DISTINCT f.id, d.hold
    FROM unnest(v_keys, v_holds) AS d(key, hold)
    JOIN unnest(v_new, v_new_keys) AS f(id, key) ON f.key = d.key
    WHERE d.hold IS NOT NULL) u;
  IF v_used IS NOT NULL THEN
    SELECT u.accounts, u.amounts INTO v_hold_accounts, v_hold_amounts
    FROM use_holds(v_users, v_used, v_entries, v_accounts, v_amounts) u;
  END IF;
  PERFORM apply_lines(v_entries, v_lines, v_accounts, v_amounts, v_currencies, v_hold_accounts,
    v_hold_amounts);
  RETURN v_ids;
END
$$;

-- A correction: the same lines with their signs turned, linked to the entry it undoes.
CREATE FUNCTION reverse_entry(p_entry uuid, p_key text, p_reason text, p_actor text)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_codes text[]; v_currencies text[]; v_owner_kinds text[]; v_owner_ids text[];
  v_amounts numeric[];
BEGIN
  IF EXISTS (SELECT 1 FROM entry WHERE reverses_id = p_entry AND key <> p_key) THEN
    RAISE EXCEPTION 'the entry has been reversed' USING ERRCODE = 'MQ005';
  END IF;
  SELECT array_agg(a.code ORDER BY p.line), array_agg(a.currency ORDER BY p.line),
    array_agg(a.owner_kind ORDER BY p.line), array_agg(a.owner_id ORDER BY p.line),
    array_agg(-p.amount ORDER BY p.line)
  INTO v_codes, v_currencies, v_owner_kinds, v_owner_ids, v_amounts
  FROM posting p JOIN ledger_account a ON a.id = p.account_id WHERE p.entry_id = p_entry;
  RETURN post(p_key, 'reversal', p_reason, NULL, NULL, p_actor, v_codes, v_currencies,
    v_owner_kinds, v_owner_ids, v_amounts, p_entry);
END
$$;

-- Sets money aside. Returns NULL when not enough is available, so that the caller's
-- transaction lives on; the guarded update is the only test, there is no check before it.
CREATE FUNCTION reserve(
  p_key text, p_code text, p_currency text, p_owner_kind text, p_owner_id text,
  p_amount numeric, p_reference text, p_expires_at timestamptz
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_account uuid;
  v_reserved boolean;
  v_hold hold%ROWTYPE;
BEGIN
  IF p_amount IS NULL OR p_amount = 'NaN' OR p_amount <= 0 THEN
    RAISE EXCEPTION 'a hold is a positive amount' USING ERRCODE = 'MQ003';
  END IF;
  SELECT id INTO v_account FROM ledger_account
  WHERE code = p_code AND currency = p_currency AND owner_kind = p_owner_kind
    AND owner_id = p_owner_id;
  SELECT * INTO v_hold FROM hold WHERE key = p_key;
  IF NOT FOUND THEN
    UPDATE balance SET held = held + p_amount
    WHERE account_id = v_account AND guarded AND -amount - held >= p_amount;
    v_reserved := FOUND;
    -- Whoever held the row may have used the same key: look again now that we have it.
    SELECT * INTO v_hold FROM hold WHERE key = p_key;
    IF NOT FOUND THEN
      IF NOT v_reserved THEN
        RETURN NULL;
      END IF;
      INSERT INTO hold (key, account_id, amount, currency, reference, expires_at)
      VALUES (p_key, v_account, p_amount, p_currency, p_reference, p_expires_at)
      ON CONFLICT (key) DO NOTHING RETURNING * INTO v_hold;
      IF FOUND THEN
        RETURN v_hold.id;
      END IF;
      SELECT * INTO v_hold FROM hold WHERE key = p_key;
    END IF;
    IF v_reserved THEN
      UPDATE balance SET held = held - p_amount WHERE account_id = v_account;
    END IF;
  END IF;
  IF (v_hold.account_id, v_hold.amount, v_hold.reference)
      IS DISTINCT FROM (v_account, p_amount, p_reference) THEN
    RAISE EXCEPTION 'this key has reserved something else' USING ERRCODE = 'MQ002';
  END IF;
  RETURN v_hold.id;
END
$$;

-- Many holds at once, each {key, code, currency, owner_kind, owner_id, amount, reference,
-- expires_at}. Where an account has all that the batch wants of it, it is updated once; what is
-- left, repeated keys and accounts that lack something, goes through reserve in order.
CREATE FUNCTION reserve_batch(p_holds jsonb) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_keys text[]; v_codes text[]; v_currencies text[]; v_owner_kinds text[]; v_owner_ids text[];
  v_amounts numeric[]; v_references text[]; v_expiries timestamptz[]; v_accounts uuid[];
  v_positive boolean; v_lost boolean; v_ids uuid[];
BEGIN
  SELECT array_agg(r.key ORDER BY r.n), array_agg(r.code ORDER BY r.n),
    array_agg(r.currency ORDER BY r.n), array_agg(r.owner_kind ORDER BY r.n),
    array_agg(r.owner_id ORDER BY r.n), array_agg(r.amount ORDER BY r.n),
    array_agg(r.reference ORDER BY r.n), array_agg(r.expires_at ORDER BY r.n),
    array_agg(a.id ORDER BY r.n),
    bool_and(coalesce(r.amount, 'NaN') <> 'NaN' AND r.amount > 0)
  INTO v_keys, v_codes, v_currencies, v_owner_kinds, v_owner_ids, v_amounts, v_references,
    v_expiries, v_accounts, v_positive
  FROM (
    SELECT d.n, d.h->>'key' AS key, d.h->>'code' AS code, d.h->>'currency' AS currency,
      d.h->>'owner_kind' AS owner_kind, d.h->>'owner_id' AS owner_id,
      (d.h->>'amount')::numeric(28,8) AS amount, coalesce(d.h->>'reference', '') AS reference,
      (d.h->>'expires_at')::timestamptz AS expires_at
    FROM jsonb_array_elements(p_holds) WITH ORDINALITY AS d(h, n)) r
  LEFT JOIN ledger_account a ON a.code = r.code AND a.currency = r.currency
    AND a.owner_kind = r.owner_kind AND a.owner_id = r.owner_id;
  IF v_keys IS NULL THEN
    RETURN ARRAY[]::uuid[];
  END IF;
  IF NOT v_positive THEN
    RAISE EXCEPTION 'a hold is a positive amount' USING ERRCODE = 'MQ003';
  END IF;
  -- Whoever had these rows may have used the same keys: look only now that we have them.
  PERFORM 1 FROM balance
  WHERE account_id = ANY (v_accounts) ORDER BY account_id FOR NO KEY UPDATE;
  WITH fresh AS (
    SELECT DISTINCT ON (r.key) r.n, r.key, r.account_id, r.amount, r.currency, r.reference,
      r.expires_at
    FROM unnest(v_keys, v_accounts, v_amounts, v_currencies, v_references, v_expiries)
      WITH ORDINALITY AS r(key, account_id, amount, currency, reference, expires_at, n)
    WHERE NOT EXISTS (SELECT FROM hold h WHERE h.key = r.key)
    ORDER BY r.key, r.n
  ), reserved AS (
    UPDATE balance b SET held = b.held + w.amount
    FROM (SELECT account_id, sum(amount) AS amount FROM fresh GROUP BY account_id) w
    WHERE b.account_id = w.account_id AND b.guarded AND -b.amount - b.held >= w.amount
    RETURNING b.account_id
  ), made AS (
    INSERT INTO hold (key, account_id, amount, currency, reference, expires_at)
    SELECT f.key, f.account_id, f.amount, f.currency, f.reference, f.expires_at
    FROM fresh f JOIN reserved r ON r.account_id = f.account_id ORDER BY f.key
    ON CONFLICT (key) DO NOTHING RETURNING id, key
  )
  SELECT array_agg(m.id ORDER BY d.n), bool_or(r.account_id IS NOT NULL AND m.id IS NULL)
  INTO v_ids, v_lost
  FROM generate_series(1, cardinality(v_keys)) AS d(n)
  LEFT JOIN fresh f ON f.n = d.n
  LEFT JOIN reserved r ON r.account_id = f.account_id
  LEFT JOIN made m ON m.key = f.key;
  -- We have the balance, so whoever used the key since then did it for another account.
  IF v_lost THEN
    RAISE EXCEPTION 'a key has reserved something else' USING ERRCODE = 'MQ002';
  END IF;
  FOR v_at IN 1..cardinality(v_keys) LOOP
    IF v_ids[v_at] IS NULL THEN
      v_ids[v_at] := reserve(v_keys[v_at], v_codes[v_at], v_currencies[v_at], v_owner_kinds[v_at],
        v_owner_ids[v_at], v_amounts[v_at], v_references[v_at], v_expiries[v_at]);
    END IF;
  END LOOP;
  RETURN v_ids;
END
$$;

CREATE FUNCTION release_hold(p_hold uuid, p_state text, p_reason text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_hold hold%ROWTYPE;
BEGIN
  SELECT * INTO v_hold FROM hold WHERE id = p_hold FOR UPDATE;
  IF v_hold.state = p_state THEN
    RETURN false;
  END IF;
  IF v_hold.state IS DISTINCT FROM 'pending' OR p_state NOT IN ('voided', 'expired') THEN
    RAISE EXCEPTION 'the hold is not pending' USING ERRCODE = 'MQ004';
  END IF;
  IF p_state = 'expired' AND coalesce(v_hold.expires_at, 'infinity') > now() THEN
    RAISE EXCEPTION 'the hold has not expired' USING ERRCODE = 'MQ004';
  END IF;
  UPDATE hold SET state = p_state, reason = p_reason, closed_at = now() WHERE id = p_hold;
  UPDATE balance SET held = held - v_hold.amount WHERE account_id = v_hold.account_id;
  RETURN true;
END
$$;

CREATE FUNCTION expire_holds(p_limit int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_hold record;
  v_count int := 0;
BEGIN
  FOR v_hold IN
    SELECT id FROM hold WHERE state = 'pending' AND expires_at <= now()
    ORDER BY account_id LIMIT p_limit FOR UPDATE SKIP LOCKED
  LOOP
    PERFORM release_hold(v_hold.id, 'expired', 'expired');
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
END
$$;

CREATE FUNCTION check_entry_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM posting WHERE entry_id = NEW.entry_id
      GROUP BY currency HAVING sum(amount) <> 0) THEN
    RAISE EXCEPTION 'the lines of an entry must add up to zero in each currency'
      USING ERRCODE = 'MQ003';
  END IF;
  RETURN NULL;
END
$$;

-- Functions run with the owner's rights, in this schema and no other, temporary tables last.
DO $$
DECLARE
  v_function record;
  v_table text;
BEGIN
  FOR v_function IN
    SELECT p.oid::regprocedure AS name, p.prosecdef, p.prorettype <> 'trigger'::regtype AS callable
    FROM pg_proc p
    WHERE p.pronamespace = current_schema()::regnamespace AND p.proname IN ('post', 'post_batch',
      'reverse_entry', 'reserve', 'reserve_batch', 'release_hold', 'expire_holds',
      'check_entry_balances', 'entry_hash', 'accounts_for', 'open_accounts', 'open_balance',
      'use_holds', 'apply_lines')
  LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, %I', v_function.name, current_schema());
    IF v_function.prosecdef THEN
      EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp',
        v_function.name, current_schema());
      IF v_function.callable THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', v_function.name, current_schema());
      END IF;
    END IF;
  END LOOP;
  FOREACH v_table IN ARRAY ARRAY['account_code', 'ledger_account', 'entry', 'posting', 'balance',
      'hold'] LOOP
    EXECUTE format('REVOKE ALL ON TABLE %I FROM %I', v_table, current_schema());
    EXECUTE format('GRANT SELECT ON TABLE %I TO %I', v_table, current_schema());
  END LOOP;
END
$$;
