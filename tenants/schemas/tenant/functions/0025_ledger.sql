-- Functions of the double-entry book, as revision 0025 leaves them. Every statement ends with $$;
-- Balances are locked in one order by everybody: by code, owner, currency and kind of owner, from
-- the end of the alphabet, so that the busy accounts of the house come last.

-- Gives every new account its balance row; the guards come from the list of codes.
CREATE OR REPLACE FUNCTION open_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO balance (account_id, code, currency, owner_kind, owner_id, guarded, forcible)
  SELECT NEW.id, NEW.code, NEW.currency, NEW.owner_kind, NEW.owner_id, c.guarded, c.forcible
  FROM account_code c WHERE c.code = NEW.code AND c.owner_kind = NEW.owner_kind;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no account % can belong to a %', NEW.code, NEW.owner_kind
      USING ERRCODE = 'MQ003';
  END IF;
  RETURN NULL;
END
$$;

CREATE FUNCTION refuse_closed(p_moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_before timestamptz;
BEGIN
  SELECT closed_before INTO v_before FROM period_lock ORDER BY number DESC LIMIT 1;
  IF p_moment < v_before THEN
    RAISE EXCEPTION 'the book is closed before %', v_before USING ERRCODE = 'MQ007';
  END IF;
END
$$;

-- Runs at commit for every new entry: its lines add up to zero in each currency, there are two or
-- more of them, numbered from 1, and it lies in no closed period.
CREATE OR REPLACE FUNCTION check_entry_balances() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  -- What nearly all entries are is recognised at once: one currency, dated when it was posted.
  -- A period is closed a minute after its end at the earliest: what has just begun lies after it.
  PERFORM 1 FROM posting WHERE entry_id = NEW.id
  HAVING sum(amount) = 0 AND count(*) >= 2 AND max(line) = count(*) AND bool_and(amount <> 0)
    AND min(currency) = max(currency) AND NEW.occurred_at >= now()
    AND clock_timestamp() < now() + interval '1 minute';
  IF FOUND THEN
    RETURN NULL;
  END IF;
  PERFORM 1 FROM posting WHERE entry_id = NEW.id
  HAVING count(*) >= 2 AND max(line) = count(*) AND bool_and(amount <> 0);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'an entry has two lines or more, numbered from 1, each of an amount'
      USING ERRCODE = 'MQ003';
  END IF;
  PERFORM 1 FROM posting WHERE entry_id = NEW.id GROUP BY currency HAVING sum(amount) <> 0;
  IF FOUND THEN
    RAISE EXCEPTION 'the lines of an entry must add up to zero in each currency'
      USING ERRCODE = 'MQ003';
  END IF;
  PERFORM refuse_closed(NEW.occurred_at);
  RETURN NULL;
END
$$;

-- Runs after every statement that writes lines: they belong to entries of the same transaction,
-- whose sums are therefore still to be looked at.
CREATE FUNCTION check_lines_are_new() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM 1 FROM fresh f
  WHERE (SELECT e.recorded_at FROM entry e WHERE e.id = f.entry_id) IS DISTINCT FROM now();
  IF FOUND THEN
    RAISE EXCEPTION 'a line is written together with its entry' USING ERRCODE = 'MQ003';
  END IF;
  RETURN NULL;
END
$$;

-- The hash of a request that says more than lines: entry_hash stays as it was for all others.
CREATE FUNCTION wider_hash(p_hash bytea, p_forced boolean, p_rate jsonb) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(p_hash || convert_to(jsonb_build_array(p_forced, p_rate)::text, 'UTF8'))
$$;

CREATE FUNCTION store_rates(p_entries uuid[], p_rates jsonb[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO entry_rate (entry_id, currency_from, currency_to, rate, rate_mid, source, quoted_at)
  SELECT r.id, r.rate->>'from', r.rate->>'to', (r.rate->>'rate')::numeric,
    (r.rate->>'mid')::numeric, r.rate->>'source', (r.rate->>'at')::timestamptz
  FROM unnest(p_entries, p_rates) AS r(id, rate)
$$;

-- Moves the balances and writes the lines of one or many entries, and opens what accounts lack;
-- what use_holds returned is released in the same update, for its accounts are among those of the
-- lines. An account that may be forced goes below zero only when every line that takes is forced.
-- Accounts are locked in the order of their ranks, so that a rank is a place in what was found.
CREATE FUNCTION apply_lines(
  p_entries uuid[], p_lines int[], p_codes text[], p_currencies text[], p_owner_kinds text[],
  p_owner_ids text[], p_amounts numeric[], p_forced boolean[], p_hold_accounts uuid[],
  p_hold_amounts numeric[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_amounts numeric(28,8)[] := p_amounts; v_ranks bigint[]; v_wanted bigint; v_accounts uuid[];
  v_balances numeric[]; v_versions bigint[]; v_moved int;
BEGIN
  SELECT array_agg(l.rank ORDER BY l.n), max(l.rank) INTO v_ranks, v_wanted
  FROM (
    SELECT n, dense_rank() OVER (
      ORDER BY code DESC, owner_id DESC, currency DESC, owner_kind DESC) AS rank
    FROM unnest(p_codes, p_owner_ids, p_currencies, p_owner_kinds)
      WITH ORDINALITY AS l(code, owner_id, currency, owner_kind, n)) l;
  FOR attempt IN 1..2 LOOP
    SELECT array_agg(b.account_id), array_agg(b.amount), array_agg(b.version)
    INTO v_accounts, v_balances, v_versions
    FROM (
      SELECT b.account_id, b.amount, b.version
      FROM (SELECT DISTINCT code, owner_id, currency, owner_kind
        FROM unnest(p_codes, p_owner_ids, p_currencies, p_owner_kinds)
          AS l(code, owner_id, currency, owner_kind)) k
      JOIN balance b ON b.owner_id = k.owner_id AND b.code = k.code AND b.currency = k.currency
        AND b.owner_kind = k.owner_kind
      ORDER BY b.code DESC, b.owner_id DESC, b.currency DESC, b.owner_kind DESC
      FOR NO KEY UPDATE OF b) b;
    EXIT WHEN cardinality(v_accounts) = v_wanted;
    PERFORM accounts_for(p_codes, p_currencies, p_owner_kinds, p_owner_ids);
  END LOOP;
  UPDATE balance b
  SET amount = b.amount + d.amount, held = b.held - d.freed, version = b.version + d.steps
  FROM (
    SELECT l.account_id, sum(l.amount) AS amount, sum(l.step) AS steps, sum(l.freed) AS freed,
      bool_and(l.amount <= 0) AS gives, bool_and(l.forced OR l.amount <= 0) AS forced
    FROM (
      SELECT v_accounts[l.rank] AS account_id, l.amount, 1 AS step, 0 AS freed, l.forced
      FROM unnest(v_ranks, v_amounts, p_forced) AS l(rank, amount, forced)
      UNION ALL SELECT h.account_id, 0, 0, h.amount, true
      FROM unnest(p_hold_accounts, p_hold_amounts) AS h(account_id, amount)) l
    GROUP BY l.account_id) d
  WHERE b.account_id = d.account_id
    AND (NOT b.guarded OR d.gives OR (d.forced AND b.forcible)
      OR (b.amount + d.amount) + (b.held - d.freed) <= 0);
  GET DIAGNOSTICS v_moved = ROW_COUNT;
  IF v_moved <> v_wanted THEN
    RAISE EXCEPTION 'an account does not hold enough' USING ERRCODE = 'MQ001';
  END IF;
  INSERT INTO posting (entry_id, line, account_id, account_version, amount, balance_after, currency)
  SELECT l.entry_id, l.line, v_accounts[l.rank], v_versions[l.rank] + row_number() OVER w,
    l.amount, v_balances[l.rank] + sum(l.amount) OVER w, l.currency
  FROM unnest(p_entries, p_lines, v_ranks, v_amounts, p_currencies) WITH ORDINALITY
    AS l(entry_id, line, rank, amount, currency, n)
  WINDOW w AS (PARTITION BY l.rank ORDER BY l.n);
END
$$;

-- Writes any entry. A hold given with it is released and closed by it. A forced entry books what has
-- already happened, so it may take accounts that allow it below zero. The rate is {from, to, rate,
-- mid, source, at}.
CREATE FUNCTION post(
  p_key text, p_kind text, p_reference text, p_external text, p_occurred_at timestamptz,
  p_actor text, p_codes text[], p_currencies text[], p_owner_kinds text[], p_owner_ids text[],
  p_amounts numeric[], p_reverses uuid DEFAULT NULL, p_hold uuid DEFAULT NULL,
  p_forced boolean DEFAULT false, p_rate jsonb DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_hash bytea := entry_hash(p_kind, p_reference, p_external, p_occurred_at, p_codes, p_currencies,
    p_owner_kinds, p_owner_ids, p_amounts, p_reverses, p_hold);
  v_lines int := cardinality(p_amounts);
  v_entry uuid;
  v_first bytea;
  v_entries uuid[];
  v_hold_accounts uuid[];
  v_hold_amounts numeric[];
BEGIN
  IF v_lines IS NULL OR v_lines < 2 OR v_lines <> ALL (ARRAY[cardinality(p_codes),
      cardinality(p_currencies), cardinality(p_owner_kinds), cardinality(p_owner_ids)]) THEN
    RAISE EXCEPTION 'an entry has two lines or more' USING ERRCODE = 'MQ003';
  END IF;
  IF p_forced OR p_rate IS NOT NULL THEN
    v_hash := wider_hash(v_hash, p_forced, p_rate);
  END IF;
  INSERT INTO entry (key, request_hash, kind, reference, external_reference, occurred_at, actor,
    reverses_id, forced)
  VALUES (p_key, v_hash, p_kind, p_reference, p_external, coalesce(p_occurred_at, now()), p_actor,
    p_reverses, p_forced)
  ON CONFLICT (key) DO NOTHING RETURNING id INTO v_entry;
  IF v_entry IS NULL THEN
    SELECT id, request_hash INTO v_entry, v_first FROM entry WHERE key = p_key;
    IF v_first <> v_hash THEN
      RAISE EXCEPTION 'this key has posted something else' USING ERRCODE = 'MQ002';
    END IF;
    RETURN v_entry;
  END IF;
  PERFORM refuse_closed(coalesce(p_occurred_at, now()));
  IF p_rate IS NOT NULL THEN
    PERFORM store_rates(ARRAY[v_entry], ARRAY[p_rate]);
  END IF;
  v_entries := array_fill(v_entry, ARRAY[v_lines]);
  IF p_hold IS NOT NULL THEN
    SELECT u.accounts, u.amounts INTO v_hold_accounts, v_hold_amounts
    FROM use_holds(ARRAY[v_entry], ARRAY[p_hold], v_entries,
      accounts_for(p_codes, p_currencies, p_owner_kinds, p_owner_ids), p_amounts) u;
  END IF;
  PERFORM apply_lines(v_entries, ARRAY(SELECT generate_series(1, v_lines)), p_codes, p_currencies,
    p_owner_kinds, p_owner_ids, p_amounts, array_fill(p_forced, ARRAY[v_lines]), v_hold_accounts,
    v_hold_amounts);
  RETURN v_entry;
END
$$;

CREATE FUNCTION move_balance(
  p_account uuid, p_amount numeric, OUT balance numeric, OUT version bigint
) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE balance b SET amount = b.amount + p_amount::numeric(28,8), version = b.version + 1
  WHERE b.account_id = p_account
    AND (NOT b.guarded OR p_amount <= 0 OR b.amount + p_amount::numeric(28,8) + b.held <= 0)
  RETURNING b.amount, b.version INTO balance, version;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'an account does not hold enough' USING ERRCODE = 'MQ001';
  END IF;
END
$$;

-- The quick way for what nearly all entries are: two lines of one currency on two accounts, dated
-- now. The first line takes the amount as it is, the second one its opposite. Few small statements
-- with few expressions between them are the quickest that PostgreSQL's own language has.
CREATE FUNCTION post_pair(
  p_key text, p_kind text, p_reference text, p_external text, p_actor text, p_currency text,
  p_amount numeric, p_code_1 text, p_owner_kind_1 text, p_owner_id_1 text, p_code_2 text,
  p_owner_kind_2 text, p_owner_id_2 text
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_amount numeric(28,8) := p_amount; v_entry uuid; v_accounts uuid[]; v_account_1 uuid;
  v_balance_1 numeric; v_version_1 bigint; v_account_2 uuid; v_balance_2 numeric;
  v_version_2 bigint;
BEGIN
  INSERT INTO entry (key, request_hash, kind, reference, external_reference, occurred_at, actor)
  VALUES (p_key, entry_hash(p_kind, p_reference, p_external, NULL, ARRAY[p_code_1, p_code_2],
    ARRAY[p_currency, p_currency], ARRAY[p_owner_kind_1, p_owner_kind_2],
    ARRAY[p_owner_id_1, p_owner_id_2], ARRAY[v_amount, -v_amount], NULL, NULL), p_kind,
    p_reference, p_external, now(), p_actor)
  ON CONFLICT (key) DO NOTHING RETURNING id INTO v_entry;
  IF v_entry IS NULL THEN
    RETURN post(p_key, p_kind, p_reference, p_external, NULL, p_actor, ARRAY[p_code_1, p_code_2],
      ARRAY[p_currency, p_currency], ARRAY[p_owner_kind_1, p_owner_kind_2],
      ARRAY[p_owner_id_1, p_owner_id_2], ARRAY[v_amount, -v_amount]);
  END IF;
  IF (p_code_1, p_owner_id_1) > (p_code_2, p_owner_id_2) THEN
    UPDATE balance SET amount = amount + v_amount, version = version + 1
    WHERE owner_id = p_owner_id_1 AND code = p_code_1 AND currency = p_currency
      AND owner_kind = p_owner_kind_1
      AND (NOT guarded OR v_amount <= 0 OR amount + v_amount + held <= 0)
    RETURNING account_id, amount, version INTO v_account_1, v_balance_1, v_version_1;
    UPDATE balance SET amount = amount - v_amount, version = version + 1
    WHERE owner_id = p_owner_id_2 AND code = p_code_2 AND currency = p_currency
      AND owner_kind = p_owner_kind_2
      AND (NOT guarded OR v_amount >= 0 OR amount - v_amount + held <= 0)
    RETURNING account_id, amount, version INTO v_account_2, v_balance_2, v_version_2;
  ELSE
    UPDATE balance SET amount = amount - v_amount, version = version + 1
    WHERE owner_id = p_owner_id_2 AND code = p_code_2 AND currency = p_currency
      AND owner_kind = p_owner_kind_2
      AND (NOT guarded OR v_amount >= 0 OR amount - v_amount + held <= 0)
    RETURNING account_id, amount, version INTO v_account_2, v_balance_2, v_version_2;
    UPDATE balance SET amount = amount + v_amount, version = version + 1
    WHERE owner_id = p_owner_id_1 AND code = p_code_1 AND currency = p_currency
      AND owner_kind = p_owner_kind_1
      AND (NOT guarded OR v_amount <= 0 OR amount + v_amount + held <= 0)
    RETURNING account_id, amount, version INTO v_account_1, v_balance_1, v_version_1;
  END IF;
  IF v_account_1 IS NULL OR v_account_2 IS NULL THEN
    -- An account that is not there yet is opened; one that has not enough refuses once more.
    v_accounts := accounts_for(ARRAY[p_code_1, p_code_2], ARRAY[p_currency, p_currency],
      ARRAY[p_owner_kind_1, p_owner_kind_2], ARRAY[p_owner_id_1, p_owner_id_2]);
    IF v_account_1 IS NULL THEN
      v_account_1 := v_accounts[1];
      SELECT * INTO v_balance_1, v_version_1 FROM move_balance(v_account_1, v_amount);
    END IF;
    IF v_account_2 IS NULL THEN
      v_account_2 := v_accounts[2];
      SELECT * INTO v_balance_2, v_version_2 FROM move_balance(v_account_2, -v_amount);
    END IF;
  END IF;
  INSERT INTO posting (entry_id, line, account_id, account_version, amount, balance_after, currency)
  VALUES (v_entry, 1, v_account_1, v_version_1, v_amount, v_balance_1, p_currency),
    (v_entry, 2, v_account_2, v_version_2, -v_amount, v_balance_2, p_currency);
  RETURN v_entry;
END
$$;

-- Many entries at once: one update per account, however many lines it has in the batch. An entry
-- is {key, kind, reference, external, occurred_at, hold, forced, rate,
-- lines: [[code, currency, kind, id, amount]]}; all but key, kind and lines may be missing.
CREATE OR REPLACE FUNCTION post_batch(p_entries jsonb, p_actor text) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_numbers bigint[]; v_lines int[]; v_codes text[]; v_currencies text[]; v_owner_kinds text[];
  v_owner_ids text[]; v_amounts numeric[]; v_line_forced boolean[]; v_entries uuid[];
  v_keys text[]; v_hashes bytea[]; v_kinds text[]; v_references text[]; v_externals text[];
  v_occurred timestamptz[]; v_holds uuid[]; v_forced boolean[]; v_rates jsonb[]; v_special boolean;
  v_new uuid[]; v_new_keys text[]; v_ids uuid[]; v_changed boolean; v_earliest timestamptz;
  v_used uuid[]; v_users uuid[]; v_hold_accounts uuid[]; v_hold_amounts numeric[]; v_rated uuid[];
BEGIN
  SELECT array_agg(d.n ORDER BY d.n, l.o), array_agg(l.o::int ORDER BY d.n, l.o),
    array_agg(l.x->>0 ORDER BY d.n, l.o), array_agg(l.x->>1 ORDER BY d.n, l.o),
    array_agg(l.x->>2 ORDER BY d.n, l.o), array_agg(l.x->>3 ORDER BY d.n, l.o),
    array_agg((l.x->>4)::numeric ORDER BY d.n, l.o)
  INTO v_numbers, v_lines, v_codes, v_currencies, v_owner_kinds, v_owner_ids, v_amounts
  FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS d(e, n)
  CROSS JOIN LATERAL jsonb_array_elements(d.e->'lines') WITH ORDINALITY AS l(x, o);
  SELECT array_agg(d.key ORDER BY d.n), array_agg(d.kind ORDER BY d.n),
    array_agg(d.reference ORDER BY d.n), array_agg(d.external ORDER BY d.n),
    array_agg(d.occurred_at ORDER BY d.n), array_agg(d.hold ORDER BY d.n),
    array_agg(d.forced ORDER BY d.n), array_agg(d.rate ORDER BY d.n),
    array_agg(CASE WHEN d.forced OR d.rate IS NOT NULL
      THEN wider_hash(d.narrow, d.forced, d.rate) ELSE d.narrow END ORDER BY d.n),
    bool_or(d.hold IS NOT NULL OR d.rate IS NOT NULL)
  INTO v_keys, v_kinds, v_references, v_externals, v_occurred, v_holds, v_forced, v_rates,
    v_hashes, v_special
  FROM (
    SELECT d.n, d.e->>'key' AS key, d.e->>'kind' AS kind,
      coalesce(d.e->>'reference', '') AS reference, d.e->>'external' AS external,
      (d.e->>'occurred_at')::timestamptz AS occurred_at, (d.e->>'hold')::uuid AS hold,
      coalesce((d.e->>'forced')::boolean, false) AS forced, nullif(d.e->'rate', 'null') AS rate,
      entry_hash(d.e->>'kind', coalesce(d.e->>'reference', ''), d.e->>'external',
        (d.e->>'occurred_at')::timestamptz, l.codes, l.currencies, l.owner_kinds, l.owner_ids,
        l.amounts, NULL, (d.e->>'hold')::uuid) AS narrow
    FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS d(e, n)
    LEFT JOIN (
      SELECT l.n, array_agg(l.code ORDER BY l.o) AS codes,
        array_agg(l.currency ORDER BY l.o) AS currencies,
        array_agg(l.owner_kind ORDER BY l.o) AS owner_kinds,
        array_agg(l.owner_id ORDER BY l.o) AS owner_ids, array_agg(l.amount ORDER BY l.o) AS amounts
      FROM unnest(v_numbers, v_lines, v_codes, v_currencies, v_owner_kinds, v_owner_ids, v_amounts)
        AS l(n, o, code, currency, owner_kind, owner_id, amount)
      GROUP BY l.n) l ON l.n = d.n) d;
  IF v_keys IS NULL THEN
    RETURN ARRAY[]::uuid[];
  END IF;
  WITH fresh AS (
    INSERT INTO entry (key, request_hash, kind, reference, external_reference, occurred_at, actor,
      forced)
    SELECT DISTINCT ON (d.key) d.key, d.hash, d.kind, d.reference, d.external,
      coalesce(d.occurred_at, now()), p_actor, d.forced
    FROM unnest(v_keys, v_hashes, v_kinds, v_references, v_externals, v_occurred, v_forced)
      WITH ORDINALITY AS d(key, hash, kind, reference, external, occurred_at, forced, n)
    ORDER BY d.key, d.n
    ON CONFLICT (key) DO NOTHING RETURNING id, key, occurred_at
  )
  SELECT array_agg(id), array_agg(key), min(occurred_at) INTO v_new, v_new_keys, v_earliest
  FROM fresh;
  IF cardinality(v_new) = cardinality(v_keys) THEN
    SELECT array_agg(f.id ORDER BY d.n) INTO v_ids
    FROM unnest(v_keys) WITH ORDINALITY AS d(key, n)
    JOIN unnest(v_new, v_new_keys) AS f(id, key) ON f.key = d.key;
  ELSE
    SELECT array_agg(e.id ORDER BY d.n), bool_or(e.request_hash <> d.hash) INTO v_ids, v_changed
    FROM unnest(v_keys, v_hashes) WITH ORDINALITY AS d(key, hash, n) JOIN entry e ON e.key = d.key;
    IF v_changed THEN
      RAISE EXCEPTION 'a key has posted something else' USING ERRCODE = 'MQ002';
    END IF;
    IF v_new IS NULL THEN
      RETURN v_ids;
    END IF;
  END IF;
  IF v_earliest < now() OR clock_timestamp() > now() + interval '1 minute' THEN
    PERFORM refuse_closed(v_earliest);
  END IF;
  -- Of entries whose key stands several times in the batch, the first one's lines.
  SELECT array_agg(m.id ORDER BY l.p), array_agg(l.line ORDER BY l.p),
    array_agg(l.code ORDER BY l.p), array_agg(l.currency ORDER BY l.p),
    array_agg(l.owner_kind ORDER BY l.p), array_agg(l.owner_id ORDER BY l.p),
    array_agg(l.amount ORDER BY l.p), array_agg(v_forced[l.n] ORDER BY l.p)
  INTO v_entries, v_lines, v_codes, v_currencies, v_owner_kinds, v_owner_ids, v_amounts,
    v_line_forced
  FROM unnest(v_numbers, v_lines, v_codes, v_currencies, v_owner_kinds, v_owner_ids, v_amounts)
    WITH ORDINALITY AS l(n, line, code, currency, owner_kind, owner_id, amount, p)
  JOIN (
    SELECT DISTINCT ON (f.id) f.id, d.n
    FROM unnest(v_ids) WITH ORDINALITY AS d(id, n) JOIN unnest(v_new) AS f(id) ON f.id = d.id
    ORDER BY f.id, d.n) m ON m.n = l.n;
  IF v_special THEN
    -- Repeats of a key have the same hold and rate: they have the same hash.
    SELECT array_agg(u.hold) FILTER (WHERE u.hold IS NOT NULL),
      array_agg(u.id) FILTER (WHERE u.hold IS NOT NULL),
      array_agg(u.rate) FILTER (WHERE u.rate IS NOT NULL),
      array_agg(u.id) FILTER (WHERE u.rate IS NOT NULL)
    INTO v_used, v_users, v_rates, v_rated
    FROM (
      SELECT DISTINCT f.id, d.hold, d.rate
      FROM unnest(v_ids, v_holds, v_rates) AS d(id, hold, rate)
      JOIN unnest(v_new) AS f(id) ON f.id = d.id) u;
    IF v_rated IS NOT NULL THEN
      PERFORM store_rates(v_rated, v_rates);
    END IF;
    IF v_used IS NOT NULL THEN
      SELECT u.accounts, u.amounts INTO v_hold_accounts, v_hold_amounts
      FROM use_holds(v_users, v_used, v_entries,
        accounts_for(v_codes, v_currencies, v_owner_kinds, v_owner_ids), v_amounts) u;
    END IF;
  END IF;
  PERFORM apply_lines(v_entries, v_lines, v_codes, v_currencies, v_owner_kinds, v_owner_ids,
    v_amounts, v_line_forced, v_hold_accounts, v_hold_amounts);
  RETURN v_ids;
END
$$;

-- A correction: the same lines with their signs turned, linked to the entry it undoes.
CREATE FUNCTION reverse_entry(
  p_entry uuid, p_key text, p_reason text, p_actor text, p_occurred_at timestamptz DEFAULT NULL,
  p_forced boolean DEFAULT false
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
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
  IF v_codes IS NULL THEN
    RAISE EXCEPTION 'there is no such entry' USING ERRCODE = 'MQ006';
  END IF;
  RETURN post(p_key, 'reversal', p_reason, NULL, p_occurred_at, p_actor, v_codes, v_currencies,
    v_owner_kinds, v_owner_ids, v_amounts, p_entry, NULL, p_forced);
END
$$;

-- Takes from a client's wallet what has already been lost, by a chargeback for example: what is
-- there, and the rest becomes what the client owes. Repeating a key repeats its first division.
CREATE FUNCTION claim(
  p_key text, p_kind text, p_reference text, p_external text, p_occurred_at timestamptz,
  p_actor text, p_client text, p_currency text, p_amount numeric, p_code text, p_owner_kind text,
  p_owner_id text
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_accounts uuid[]; v_taken numeric; v_codes text[] := ARRAY[p_code];
  v_kinds text[] := ARRAY[p_owner_kind]; v_ids text[] := ARRAY[p_owner_id];
  v_amounts numeric[] := ARRAY[-p_amount];
BEGIN
  IF p_amount IS NULL OR p_amount = 'NaN' OR p_amount <= 0 THEN
    RAISE EXCEPTION 'a claim is a positive amount' USING ERRCODE = 'MQ003';
  END IF;
  v_accounts := accounts_for(
    ARRAY['liability.client_wallet', 'asset.client_receivable', p_code],
    array_fill(p_currency, ARRAY[3]), ARRAY['client', 'client', p_owner_kind],
    ARRAY[p_client, p_client, p_owner_id]);
  PERFORM 1 FROM balance WHERE account_id = ANY (v_accounts)
  ORDER BY code DESC, owner_id DESC, currency DESC, owner_kind DESC FOR NO KEY UPDATE;
  SELECT coalesce(sum(p.amount) FILTER (WHERE p.account_id = v_accounts[1]), 0) INTO v_taken
  FROM entry e JOIN posting p ON p.entry_id = e.id WHERE e.key = p_key GROUP BY e.id;
  IF NOT FOUND THEN
    SELECT least(greatest(-amount - held, 0), p_amount) INTO v_taken
    FROM balance WHERE account_id = v_accounts[1];
  END IF;
  IF v_taken > 0 THEN
    v_codes := v_codes || 'liability.client_wallet'::text;
    v_amounts := v_amounts || v_taken;
  END IF;
  IF v_taken < p_amount THEN
    v_codes := v_codes || 'asset.client_receivable'::text;
    v_amounts := v_amounts || (p_amount - v_taken);
  END IF;
  FOR v_line IN 2..cardinality(v_codes) LOOP
    v_kinds := v_kinds || 'client'::text;
    v_ids := v_ids || p_client;
  END LOOP;
  RETURN post(p_key, p_kind, p_reference, p_external, p_occurred_at, p_actor, v_codes,
    array_fill(p_currency, ARRAY[cardinality(v_codes)]), v_kinds, v_ids, v_amounts);
END
$$;

-- Pays what a client owes out of the wallet, as far as it reaches; NULL when there is nothing to do.
CREATE FUNCTION repay(
  p_key text, p_reference text, p_actor text, p_client text, p_currency text
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_entry uuid; v_accounts uuid[]; v_amount numeric;
BEGIN
  SELECT array_agg(account_id) INTO v_accounts FROM (
    SELECT account_id FROM balance WHERE owner_id = p_client AND currency = p_currency
      AND owner_kind = 'client' AND code IN ('liability.client_wallet', 'asset.client_receivable')
    ORDER BY code DESC, owner_id DESC, currency DESC, owner_kind DESC FOR NO KEY UPDATE) locked;
  SELECT id INTO v_entry FROM entry WHERE key = p_key AND kind = 'debt_repaid';
  IF FOUND THEN
    RETURN v_entry;
  END IF;
  SELECT least(max(amount) FILTER (WHERE code = 'asset.client_receivable'),
    max(-amount - held) FILTER (WHERE code = 'liability.client_wallet')) INTO v_amount
  FROM balance WHERE account_id = ANY (v_accounts) HAVING count(*) = 2;
  IF v_amount IS NULL OR v_amount <= 0 THEN
    RETURN NULL;
  END IF;
  RETURN post(p_key, 'debt_repaid', p_reference, NULL, NULL, p_actor,
    ARRAY['liability.client_wallet', 'asset.client_receivable'], ARRAY[p_currency, p_currency],
    ARRAY['client', 'client'], ARRAY[p_client, p_client], ARRAY[v_amount, -v_amount]);
END
$$;

-- Closes the book before a moment, or opens it again from one (NULL: all of it). Waits for entries
-- that are being posted, at most five seconds, so that none can slip into a closed period.
CREATE FUNCTION set_period_lock(p_act text, p_before timestamptz, p_reason text, p_actor text)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '5s' AS $$
DECLARE
  v_number int; v_before timestamptz;
BEGIN
  LOCK TABLE entry IN SHARE ROW EXCLUSIVE MODE;
  SELECT number, closed_before INTO v_number, v_before FROM period_lock
  ORDER BY number DESC LIMIT 1;
  IF p_act = 'close' AND (p_before IS NULL OR p_before <= v_before) THEN
    RAISE EXCEPTION 'the book is already closed before %', v_before USING ERRCODE = 'MQ009';
  END IF;
  IF p_act = 'close' AND p_before > clock_timestamp() - interval '1 minute' THEN
    RAISE EXCEPTION 'a period is closed a minute after its end' USING ERRCODE = 'MQ009';
  END IF;
  IF p_act = 'reopen' AND (v_before IS NULL OR p_before >= v_before) THEN
    RAISE EXCEPTION 'the book is open from there on' USING ERRCODE = 'MQ009';
  END IF;
  INSERT INTO period_lock (number, act, closed_before, reason, actor, recorded_at)
  VALUES (coalesce(v_number, 0) + 1, p_act, p_before, p_reason, p_actor, clock_timestamp())
  RETURNING number INTO v_number;
  RETURN v_number;
END
$$;

-- Writes balances anew from lines, holds and codes where they differ, and notes what it changed.
CREATE FUNCTION rebuild_balances(p_reason text, p_actor text) RETURNS SETOF balance_repair
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '5s' AS $$
BEGIN
  LOCK TABLE balance IN SHARE ROW EXCLUSIVE MODE;
  RETURN QUERY WITH differing AS MATERIALIZED (
    SELECT a.id AS account_id, a.code, a.currency, a.owner_kind, a.owner_id, c.guarded, c.forcible,
      coalesce(p.amount, 0) AS amount, coalesce(p.version, 0) AS version,
      coalesce(h.held, 0) AS held, b.amount AS old_amount, b.held AS old_held,
      b.version AS old_version
    FROM ledger_account a
    JOIN account_code c ON c.code = a.code
    LEFT JOIN balance b ON b.account_id = a.id
    LEFT JOIN (SELECT account_id, sum(posting.amount) AS amount, max(account_version) AS version
      FROM posting GROUP BY account_id) p ON p.account_id = a.id
    LEFT JOIN (SELECT account_id, sum(hold.amount) AS held FROM hold WHERE state = 'pending'
      GROUP BY account_id) h ON h.account_id = a.id
    WHERE (b.amount, b.version, b.held, b.guarded, b.forcible, b.code, b.currency, b.owner_kind,
      b.owner_id) IS DISTINCT FROM (coalesce(p.amount, 0), coalesce(p.version, 0),
      coalesce(h.held, 0), c.guarded, c.forcible, a.code, a.currency, a.owner_kind, a.owner_id)
  ), mended AS (
    INSERT INTO balance AS b (account_id, code, currency, owner_kind, owner_id, amount, held,
      version, guarded, forcible)
    SELECT d.account_id, d.code, d.currency, d.owner_kind, d.owner_id, d.amount, d.held, d.version,
      d.guarded, d.forcible
    FROM differing d
    ON CONFLICT ON CONSTRAINT pk_balance DO UPDATE SET code = excluded.code,
      currency = excluded.currency, owner_kind = excluded.owner_kind,
      owner_id = excluded.owner_id, amount = excluded.amount, held = excluded.held,
      version = excluded.version, guarded = excluded.guarded, forcible = excluded.forcible
    RETURNING b.account_id
  )
  INSERT INTO balance_repair AS r (account_id, old_amount, old_held, old_version, amount, held,
    version, reason, actor)
  SELECT d.account_id, d.old_amount, d.old_held, d.old_version, d.amount, d.held, d.version,
    p_reason, p_actor
  FROM differing d JOIN mended m ON m.account_id = d.account_id
  RETURNING r.*;
EXCEPTION WHEN check_violation THEN
  RAISE EXCEPTION 'the lines themselves leave a wallet below zero' USING ERRCODE = 'MQ008';
END
$$;

-- Many holds at once, each {key, code, currency, owner_kind, owner_id, amount, reference,
-- expires_at}. Where an account has all that the batch wants of it, it is updated once; what is
-- left, repeated keys and accounts that lack something, goes through reserve in order.
CREATE OR REPLACE FUNCTION reserve_batch(p_holds jsonb) RETURNS uuid[]
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
  PERFORM 1 FROM balance WHERE account_id = ANY (v_accounts)
  ORDER BY code DESC, owner_id DESC, currency DESC, owner_kind DESC FOR NO KEY UPDATE;
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

CREATE OR REPLACE FUNCTION expire_holds(p_limit int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_hold record;
  v_count int := 0;
BEGIN
  FOR v_hold IN
    SELECT h.id FROM hold h JOIN balance b ON b.account_id = h.account_id
    WHERE h.state = 'pending' AND h.expires_at <= now()
    ORDER BY b.code DESC, b.owner_id DESC, b.currency DESC, b.owner_kind DESC
    LIMIT p_limit FOR UPDATE OF h SKIP LOCKED
  LOOP
    PERFORM release_hold(v_hold.id, 'expired', 'expired');
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
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
    WHERE p.pronamespace = current_schema()::regnamespace AND p.proname IN ('open_balance',
      'refuse_closed', 'check_entry_balances', 'check_lines_are_new', 'wider_hash', 'store_rates', 'apply_lines',
      'move_balance', 'post', 'post_pair', 'post_batch', 'reverse_entry', 'claim', 'repay', 'set_period_lock', 'rebuild_balances',
      'reserve_batch', 'expire_holds')
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
  -- Arrays of unknown length are met by a plan for any length: planning took longer than posting.
  FOR v_function IN
    SELECT p.oid::regprocedure AS name FROM pg_proc p
    WHERE p.pronamespace = current_schema()::regnamespace AND p.proname IN ('accounts_for',
      'apply_lines', 'use_holds', 'post_batch')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_generic_plan', v_function.name);
  END LOOP;
  FOREACH v_table IN ARRAY ARRAY['entry_rate', 'period_lock', 'balance_repair'] LOOP
    EXECUTE format('REVOKE ALL ON TABLE %I FROM %I', v_table, current_schema());
    EXECUTE format('GRANT SELECT ON TABLE %I TO %I', v_table, current_schema());
  END LOOP;
END
$$;
