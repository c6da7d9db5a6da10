-- Functions of the double-entry book, as revision 0025 leaves them. Every statement ends with $$;
-- Balances are locked in one order by everybody: by code, owner, currency and kind of owner, from
-- the end of the alphabet, so that the busy accounts of the house come last.

-- Gives every new account its balance row; the guards come from the list of codes.
CREATE OR REPLACE FUNCTION open_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO balance (account_id, code, currency, owner_kind, owner_id, guarded, forcible,
    ceiling)
  SELECT NEW.id, NEW.code, NEW.currency, NEW.owner_kind, NEW.owner_id, c.guarded, c.forcible,
    CASE WHEN c.guarded AND NOT c.forcible THEN 0 END
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

-- Runs at commit for every new entry: it is a pair that adds up to zero, or has two or more lines
-- in posting, numbered from 1, that add up to zero in each currency; and it lies in no closed period.
CREATE OR REPLACE FUNCTION check_entry_balances() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  -- What nearly all entries are is recognised from the row alone: a pair, dated when it was posted.
  -- A period is closed a minute after its end at the earliest: what has just begun lies after it.
  IF NEW.amount_1 + NEW.amount_2 = 0 AND NEW.amount_1 <> 0 AND NEW.account_1 <> NEW.account_2
    AND NEW.version_1 > 0 AND NEW.version_2 > 0 AND NEW.after_1 + NEW.after_2 IS NOT NULL
    AND NEW.currency <> '' AND NEW.reverses_id IS NULL THEN
    NULL;
  ELSIF num_nonnulls(NEW.account_1, NEW.account_2, NEW.version_1, NEW.version_2, NEW.amount_1,
      NEW.amount_2, NEW.after_1, NEW.after_2, NEW.currency) > 0 THEN
    RAISE EXCEPTION 'the lines of a pair must add up to zero, on two accounts, and undo nothing'
      USING ERRCODE = 'MQ003';
  ELSE
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
    -- In place of a foreign key, which would cost every entry that reverses nothing.
    IF NEW.reverses_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM entry WHERE id = NEW.reverses_id AND id <> NEW.id) THEN
      RAISE EXCEPTION 'there is no such entry' USING ERRCODE = 'MQ006';
    END IF;
  END IF;
  IF NEW.occurred_at < now() OR clock_timestamp() > now() + interval '1 minute' THEN
    PERFORM refuse_closed(NEW.occurred_at);
  END IF;
  RETURN NULL;
END
$$;

-- Runs after every statement that writes lines: they belong to entries of the same transaction,
-- whose sums are therefore still to be looked at, and which are no pairs.
CREATE FUNCTION check_lines_are_new() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM 1 FROM fresh f
  WHERE (SELECT e.recorded_at FROM entry e WHERE e.id = f.entry_id AND e.account_1 IS NULL)
    IS DISTINCT FROM now();
  IF FOUND THEN
    RAISE EXCEPTION 'a line is written together with its entry' USING ERRCODE = 'MQ003';
  END IF;
  RETURN NULL;
END
$$;

-- Returns the entry that a key has posted, if it is the same request, word for word. A request
-- without a date counts from when it was recorded.
CREATE FUNCTION first_entry(
  p_key text, p_kind text, p_reference text, p_external text, p_occurred_at timestamptz,
  p_codes text[], p_currencies text[], p_owner_kinds text[], p_owner_ids text[],
  p_amounts numeric[], p_reverses uuid, p_hold uuid, p_forced boolean, p_rate jsonb
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  v_entry uuid; v_same boolean;
BEGIN
  SELECT e.id, (e.kind, e.reference, e.external_reference, e.reverses_id, e.hold_id, e.forced)
      IS NOT DISTINCT FROM (p_kind, p_reference, p_external, p_reverses, p_hold, p_forced)
    AND e.occurred_at = coalesce(p_occurred_at, e.recorded_at)
    AND (l.codes, l.currencies, l.owner_kinds, l.owner_ids, l.amounts) IS NOT DISTINCT FROM
      (p_codes, p_currencies, p_owner_kinds, p_owner_ids, p_amounts::numeric(28,8)[])
    AND (r.currency_from, r.currency_to, r.rate, r.rate_mid, r.source, r.quoted_at)
      IS NOT DISTINCT FROM (p_rate->>'from', p_rate->>'to', (p_rate->>'rate')::numeric(28,12),
        (p_rate->>'mid')::numeric(28,12), p_rate->>'source', (p_rate->>'at')::timestamptz)
  INTO v_entry, v_same
  FROM entry e
  LEFT JOIN entry_rate r ON r.entry_id = e.id
  CROSS JOIN LATERAL (
    SELECT array_agg(a.code::text ORDER BY p.line) AS codes,
      array_agg(p.currency::text ORDER BY p.line) AS currencies,
      array_agg(a.owner_kind::text ORDER BY p.line) AS owner_kinds,
      array_agg(a.owner_id::text ORDER BY p.line) AS owner_ids,
      array_agg(p.amount ORDER BY p.line) AS amounts
    FROM entry_line p JOIN ledger_account a ON a.id = p.account_id WHERE p.entry_id = e.id) l
  WHERE e.key = p_key;
  IF v_same IS NOT TRUE THEN
    RAISE EXCEPTION 'this key has posted something else' USING ERRCODE = 'MQ002';
  END IF;
  RETURN v_entry;
END
$$;

-- The same for an entry of a batch.
CREATE FUNCTION first_entry(p_draft jsonb) RETURNS uuid LANGUAGE sql AS $$
  SELECT first_entry(p_draft->>'key', p_draft->>'kind', coalesce(p_draft->>'reference', ''),
    p_draft->>'external', (p_draft->>'occurred_at')::timestamptz, array_agg(l.x->>0 ORDER BY l.o),
    array_agg(l.x->>1 ORDER BY l.o), array_agg(l.x->>2 ORDER BY l.o),
    array_agg(l.x->>3 ORDER BY l.o), array_agg((l.x->>4)::numeric ORDER BY l.o), NULL,
    (p_draft->>'hold')::uuid, coalesce((p_draft->>'forced')::boolean, false),
    nullif(p_draft->'rate', 'null'))
  FROM jsonb_array_elements(p_draft->'lines') WITH ORDINALITY AS l(x, o)
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
  v_lines int := cardinality(p_amounts);
  v_entry uuid;
  v_entries uuid[];
  v_hold_accounts uuid[];
  v_hold_amounts numeric[];
BEGIN
  IF v_lines IS NULL OR v_lines < 2 OR v_lines <> ALL (ARRAY[cardinality(p_codes),
      cardinality(p_currencies), cardinality(p_owner_kinds), cardinality(p_owner_ids)]) THEN
    RAISE EXCEPTION 'an entry has two lines or more' USING ERRCODE = 'MQ003';
  END IF;
  INSERT INTO entry (key, kind, reference, external_reference, occurred_at, actor, reverses_id,
    forced, hold_id)
  VALUES (p_key, p_kind, p_reference, p_external, coalesce(p_occurred_at, now()), p_actor,
    p_reverses, p_forced, p_hold)
  ON CONFLICT (key) DO NOTHING RETURNING id INTO v_entry;
  IF v_entry IS NULL THEN
    RETURN first_entry(p_key, p_kind, p_reference, p_external, p_occurred_at, p_codes,
      p_currencies, p_owner_kinds, p_owner_ids, p_amounts, p_reverses, p_hold, p_forced, p_rate);
  END IF;
  IF p_occurred_at < now() OR clock_timestamp() > now() + interval '1 minute' THEN
    PERFORM refuse_closed(coalesce(p_occurred_at, now()));
  END IF;
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

-- The quick way for what nearly all entries are: two lines of one currency on two accounts, dated
-- now; both stand in the entry's own row. The first line takes the amount as it is, the second one
-- its opposite. Few small statements with few expressions between them are the quickest that
-- PostgreSQL's own language has, so the key is looked at last: what was moved for a known one is
-- put back, which nobody sees, for the rows are ours.
CREATE FUNCTION post_pair(
  p_key text, p_kind text, p_reference text, p_external text, p_actor text, p_currency text,
  p_amount numeric, p_code_1 text, p_owner_kind_1 text, p_owner_id_1 text, p_code_2 text,
  p_owner_kind_2 text, p_owner_id_2 text
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_amount numeric(28,8) := p_amount; v_entry uuid; v_account_1 uuid; v_balance_1 numeric;
  v_version_1 bigint; v_account_2 uuid; v_balance_2 numeric; v_version_2 bigint;
BEGIN
  IF (p_code_1, p_owner_id_1) > (p_code_2, p_owner_id_2) THEN
    UPDATE balance SET amount = amount + v_amount, version = version + 1
    WHERE owner_id = p_owner_id_1 AND code = p_code_1 AND currency = p_currency
      AND owner_kind = p_owner_kind_1
      AND (NOT guarded OR v_amount <= 0 OR amount + v_amount + held <= 0)
    RETURNING account_id, amount, version INTO v_account_1, v_balance_1, v_version_1;
    IF FOUND THEN
      UPDATE balance SET amount = amount - v_amount, version = version + 1
      WHERE owner_id = p_owner_id_2 AND code = p_code_2 AND currency = p_currency
        AND owner_kind = p_owner_kind_2
        AND (NOT guarded OR v_amount >= 0 OR amount - v_amount + held <= 0)
      RETURNING account_id, amount, version INTO v_account_2, v_balance_2, v_version_2;
    END IF;
  ELSE
    UPDATE balance SET amount = amount - v_amount, version = version + 1
    WHERE owner_id = p_owner_id_2 AND code = p_code_2 AND currency = p_currency
      AND owner_kind = p_owner_kind_2
      AND (NOT guarded OR v_amount >= 0 OR amount - v_amount + held <= 0)
    RETURNING account_id, amount, version INTO v_account_2, v_balance_2, v_version_2;
    IF FOUND THEN
      UPDATE balance SET amount = amount + v_amount, version = version + 1
      WHERE owner_id = p_owner_id_1 AND code = p_code_1 AND currency = p_currency
        AND owner_kind = p_owner_kind_1
        AND (NOT guarded OR v_amount <= 0 OR amount + v_amount + held <= 0)
      RETURNING account_id, amount, version INTO v_account_1, v_balance_1, v_version_1;
    END IF;
  END IF;
  IF FOUND THEN
    INSERT INTO entry (key, kind, reference, external_reference, occurred_at, actor, currency,
      account_1, account_2, version_1, version_2, amount_1, amount_2, after_1, after_2)
    VALUES (p_key, p_kind, p_reference, p_external, now(), p_actor, p_currency, v_account_1,
      v_account_2, v_version_1, v_version_2, v_amount, -v_amount, v_balance_1, v_balance_2)
    ON CONFLICT (key) DO NOTHING RETURNING id INTO v_entry;
    IF FOUND THEN
      RETURN v_entry;
    END IF;
  END IF;
  UPDATE balance SET amount = amount - v_amount, version = version - 1
  WHERE account_id = v_account_1;
  UPDATE balance SET amount = amount + v_amount, version = version - 1
  WHERE account_id = v_account_2;
  -- A known key, an account that is not there yet, or one that has not enough.
  RETURN post(p_key, p_kind, p_reference, p_external, NULL, p_actor, ARRAY[p_code_1, p_code_2],
    ARRAY[p_currency, p_currency], ARRAY[p_owner_kind_1, p_owner_kind_2],
    ARRAY[p_owner_id_1, p_owner_id_2], ARRAY[v_amount, -v_amount]);
END
$$;

-- Many pairs at once, all with different keys; NULL when one of the keys is known, for post_batch
-- to look at. Accounts are named once each, pairs by their places in that list.
CREATE FUNCTION post_pairs(
  p_keys text[], p_kinds text[], p_references text[], p_externals text[], p_actor text,
  p_amounts numeric[], p_firsts int[], p_seconds int[], p_codes text[], p_currencies text[],
  p_owner_kinds text[], p_owner_ids text[]
) RETURNS uuid[] LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  v_amounts numeric(28,8)[] := p_amounts; v_count int := cardinality(p_keys);
  v_wanted int := cardinality(p_codes); v_accounts uuid[]; v_balances numeric[]; v_rows tid[];
  v_versions bigint[]; v_moved int; v_steps bigint[]; v_runs numeric[]; v_ids uuid[];
  v_constraint text;
  v_stem text := left(uuidv7()::text, 24);
  v_number bigint := floor(random() * 200000000000000)::bigint;
BEGIN
  -- All that needs no balance comes before their rows are locked.
  SELECT array_agg(l.step ORDER BY l.half, l.n), array_agg(l.run ORDER BY l.half, l.n)
  INTO v_steps, v_runs
  FROM (
    SELECT a.half, a.n, row_number() OVER w AS step, sum(a.amount) OVER w AS run
    FROM (
      SELECT 1 AS half, a.n, a.place, a.amount
      FROM unnest(p_firsts, v_amounts) WITH ORDINALITY AS a(place, amount, n)
      UNION ALL SELECT 2, a.n, a.place, -a.amount
      FROM unnest(p_seconds, v_amounts) WITH ORDINALITY AS a(place, amount, n)) a
    WINDOW w AS (PARTITION BY a.place ORDER BY a.n, a.half)) l;
  FOR attempt IN 1..2 LOOP
    SELECT array_agg(b.account_id ORDER BY b.n), array_agg(b.amount ORDER BY b.n),
      array_agg(b.version ORDER BY b.n), array_agg(b.place ORDER BY b.n)
    INTO v_accounts, v_balances, v_versions, v_rows
    FROM (
      SELECT k.n, b.account_id, b.amount, b.version, b.ctid AS place
      FROM unnest(p_codes, p_currencies, p_owner_kinds, p_owner_ids)
        WITH ORDINALITY AS k(code, currency, owner_kind, owner_id, n)
      JOIN balance b ON b.owner_id = k.owner_id AND b.code = k.code AND b.currency = k.currency
        AND b.owner_kind = k.owner_kind
      ORDER BY b.code DESC, b.owner_id DESC, b.currency DESC, b.owner_kind DESC
      FOR NO KEY UPDATE OF b) b;
    EXIT WHEN cardinality(v_accounts) = v_wanted;
    PERFORM accounts_for(p_codes, p_currencies, p_owner_kinds, p_owner_ids);
  END LOOP;
  -- A known key is found by the writing of its entry: looking for each before took a tenth of the
  -- time. What was moved is put back then, and the balances stay locked for post_batch.
  BEGIN
    -- The rows are locked, so they stay where they were found.
    UPDATE balance b SET amount = b.amount + d.amount, version = b.version + d.steps
    FROM (
      SELECT l.place, sum(l.amount) AS amount, count(*) AS steps, bool_and(l.amount <= 0) AS gives
      FROM (
        SELECT a.place, a.amount FROM unnest(p_firsts, v_amounts) AS a(place, amount)
        UNION ALL SELECT a.place, -a.amount FROM unnest(p_seconds, v_amounts) AS a(place, amount)) l
      GROUP BY l.place) d
    WHERE b.ctid = v_rows[d.place]
      AND (NOT b.guarded OR d.gives OR b.amount + d.amount + b.held <= 0);
    GET DIAGNOSTICS v_moved = ROW_COUNT;
    IF v_moved <> v_wanted THEN
      RAISE EXCEPTION 'an account does not hold enough' USING ERRCODE = 'MQ001';
    END IF;
    -- Ids of one batch follow one another: making each by itself takes as long as writing it.
    WITH made AS (
      INSERT INTO entry (id, key, kind, reference, external_reference, occurred_at, actor, currency,
        account_1, account_2, version_1, version_2, amount_1, amount_2, after_1, after_2)
      SELECT (v_stem || lpad(to_hex(v_number + e.n), 12, '0'))::uuid, e.key, e.kind, e.reference,
        e.external, now(), p_actor, p_currencies[e.first], v_accounts[e.first],
        v_accounts[e.second], v_versions[e.first] + v_steps[e.n],
        v_versions[e.second] + v_steps[v_count + e.n], e.amount, -e.amount,
        v_balances[e.first] + v_runs[e.n], v_balances[e.second] + v_runs[v_count + e.n]
      FROM unnest(p_keys, p_kinds, p_references, p_externals, p_firsts, p_seconds, v_amounts)
        WITH ORDINALITY AS e(key, kind, reference, external, first, second, amount, n)
      RETURNING id
    )
    SELECT array_agg(id ORDER BY id) INTO v_ids FROM made;
    RETURN v_ids;
  EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    IF v_constraint <> 'uq_entry_key' THEN
      RAISE;
    END IF;
    RETURN NULL;
  END;
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
  v_keys text[]; v_kinds text[]; v_references text[]; v_externals text[];
  v_occurred timestamptz[]; v_holds uuid[]; v_forced boolean[]; v_rates jsonb[]; v_special boolean;
  v_new uuid[]; v_new_keys text[]; v_ids uuid[]; v_earliest timestamptz;
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
    bool_or(d.hold IS NOT NULL OR d.rate IS NOT NULL)
  INTO v_keys, v_kinds, v_references, v_externals, v_occurred, v_holds, v_forced, v_rates,
    v_special
  FROM (
    SELECT d.n, d.e->>'key' AS key, d.e->>'kind' AS kind,
      coalesce(d.e->>'reference', '') AS reference, d.e->>'external' AS external,
      (d.e->>'occurred_at')::timestamptz AS occurred_at, (d.e->>'hold')::uuid AS hold,
      coalesce((d.e->>'forced')::boolean, false) AS forced, nullif(d.e->'rate', 'null') AS rate
    FROM jsonb_array_elements(p_entries) WITH ORDINALITY AS d(e, n)) d;
  IF v_keys IS NULL THEN
    RETURN ARRAY[]::uuid[];
  END IF;
  WITH fresh AS (
    INSERT INTO entry (key, kind, reference, external_reference, occurred_at, actor, forced,
      hold_id)
    SELECT DISTINCT ON (d.key) d.key, d.kind, d.reference, d.external,
      coalesce(d.occurred_at, now()), p_actor, d.forced, d.hold
    FROM unnest(v_keys, v_kinds, v_references, v_externals, v_occurred, v_forced, v_holds)
      WITH ORDINALITY AS d(key, kind, reference, external, occurred_at, forced, hold, n)
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
    SELECT array_agg(e.id ORDER BY d.n) INTO v_ids
    FROM unnest(v_keys) WITH ORDINALITY AS d(key, n) JOIN entry e ON e.key = d.key;
    IF v_new IS NULL THEN
      PERFORM first_entry(d.e) FROM jsonb_array_elements(p_entries) AS d(e);
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
    SELECT array_agg(u.hold) FILTER (WHERE u.hold IS NOT NULL),
      array_agg(u.id) FILTER (WHERE u.hold IS NOT NULL),
      array_agg(u.rate) FILTER (WHERE u.rate IS NOT NULL),
      array_agg(u.id) FILTER (WHERE u.rate IS NOT NULL)
    INTO v_used, v_users, v_rates, v_rated
    FROM (
      SELECT DISTINCT ON (f.id) f.id, d.hold, d.rate
      FROM unnest(v_ids, v_holds, v_rates) WITH ORDINALITY AS d(id, hold, rate, n)
      JOIN unnest(v_new) AS f(id) ON f.id = d.id
      ORDER BY f.id, d.n) u;
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
  -- Known keys, and those that stand here twice, must mean what they meant first.
  IF cardinality(v_new) < cardinality(v_keys) THEN
    PERFORM first_entry(d.e) FROM jsonb_array_elements(p_entries) AS d(e);
  END IF;
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
  FROM entry_line p JOIN ledger_account a ON a.id = p.account_id WHERE p.entry_id = p_entry;
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
  FROM entry e JOIN entry_line p ON p.entry_id = e.id WHERE e.key = p_key GROUP BY e.id;
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
      CASE WHEN c.guarded AND NOT c.forcible THEN 0::numeric END AS ceiling,
      coalesce(p.amount, 0) AS amount, coalesce(p.version, 0) AS version,
      coalesce(h.held, 0) AS held, b.amount AS old_amount, b.held AS old_held,
      b.version AS old_version
    FROM ledger_account a
    JOIN account_code c ON c.code = a.code
    LEFT JOIN balance b ON b.account_id = a.id
    LEFT JOIN (SELECT account_id, sum(entry_line.amount) AS amount, max(account_version) AS version
      FROM entry_line GROUP BY account_id) p ON p.account_id = a.id
    LEFT JOIN (SELECT account_id, sum(hold.amount) AS held FROM hold WHERE state = 'pending'
      GROUP BY account_id) h ON h.account_id = a.id
    WHERE (b.amount, b.version, b.held, b.guarded, b.forcible, b.ceiling, b.code, b.currency,
      b.owner_kind, b.owner_id) IS DISTINCT FROM (coalesce(p.amount, 0), coalesce(p.version, 0),
      coalesce(h.held, 0), c.guarded, c.forcible,
      CASE WHEN c.guarded AND NOT c.forcible THEN 0::numeric END, a.code, a.currency, a.owner_kind,
      a.owner_id)
  ), mended AS (
    INSERT INTO balance AS b (account_id, code, currency, owner_kind, owner_id, amount, held,
      version, guarded, forcible, ceiling)
    SELECT d.account_id, d.code, d.currency, d.owner_kind, d.owner_id, d.amount, d.held, d.version,
      d.guarded, d.forcible, d.ceiling
    FROM differing d
    ON CONFLICT ON CONSTRAINT pk_balance DO UPDATE SET code = excluded.code,
      currency = excluded.currency, owner_kind = excluded.owner_kind,
      owner_id = excluded.owner_id, amount = excluded.amount, held = excluded.held,
      version = excluded.version, guarded = excluded.guarded, forcible = excluded.forcible,
      ceiling = excluded.ceiling
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
      'refuse_closed', 'check_entry_balances', 'check_lines_are_new', 'first_entry', 'store_rates',
      'apply_lines', 'post', 'post_pair', 'post_pairs', 'post_batch', 'reverse_entry', 'claim',
      'repay', 'set_period_lock', 'rebuild_balances',
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
      'apply_lines', 'use_holds', 'post_batch', 'post_pairs')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_generic_plan', v_function.name);
    -- And what was planned for the small tables of a new brokerage is kept while they grow.
    EXECUTE format('ALTER FUNCTION %s SET enable_seqscan = off', v_function.name);
  END LOOP;
  FOREACH v_table IN ARRAY ARRAY['entry_rate', 'period_lock', 'balance_repair', 'entry_line'] LOOP
    EXECUTE format('REVOKE ALL ON TABLE %I FROM %I', v_table, current_schema());
    EXECUTE format('GRANT SELECT ON TABLE %I TO %I', v_table, current_schema());
  END LOOP;
END
$$;
