-- What keeps withdrawals, created by revision 0028. Every statement ends with $$;
-- MQ030 not approved, MQ031 no such step, MQ032 no longer to be changed.

-- Exactly what somebody approves: the withdrawal and where each part of it goes.
CREATE FUNCTION withdrawal_content(wanted uuid) RETURNS jsonb LANGUAGE sql STABLE
SET search_path FROM CURRENT AS $$
  SELECT jsonb_build_object(
    'withdrawal', w.reference,
    'client', w.client_id,
    'from', coalesce(w.trading_account_id::text, 'wallet'),
    'amount', trim_scale(w.amount)::text || ' ' || w.currency,
    'parts', (
      SELECT jsonb_agg(jsonb_build_object(
        'number', p.number, 'way', p.way, 'to', p.label, 'amount', trim_scale(p.amount)::text,
        'fee', trim_scale(p.fee)::text, 'payee', d.fingerprint, 'deposit', p.deposit_id
      ) ORDER BY p.number)
      FROM withdrawal_part p LEFT JOIN withdrawal_destination d ON d.id = p.destination_id
      WHERE p.withdrawal_id = w.id
    )
  )
  FROM withdrawal w WHERE w.id = wanted
$$;

-- An edit voids what was approved, whoever edits and however.
CREATE FUNCTION void_withdrawal_approvals(wanted uuid) RETURNS void LANGUAGE sql
SET search_path FROM CURRENT AS $$
  UPDATE approval SET state = 'voided', reason = 'The withdrawal was edited.'
  WHERE kind = 'withdrawal' AND subject_kind = 'withdrawal' AND subject_id = wanted
    AND state IN ('open', 'granted')
$$;

CREATE FUNCTION check_withdrawal() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'requested' THEN
      RAISE EXCEPTION 'a withdrawal begins requested' USING ERRCODE = 'MQ031';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.client_id, NEW.trading_account_id, NEW.amount, NEW.currency, NEW.reference)
     IS DISTINCT FROM
     (OLD.client_id, OLD.trading_account_id, OLD.amount, OLD.currency, OLD.reference) THEN
    IF NEW.state <> OLD.state OR OLD.state NOT IN ('requested', 'held') THEN
      RAISE EXCEPTION 'a withdrawal that is % is not edited', OLD.state USING ERRCODE = 'MQ032';
    END IF;
    PERFORM void_withdrawal_approvals(OLD.id);
  END IF;
  IF NEW.state = OLD.state THEN
    RETURN NEW;
  END IF;
  IF NOT (OLD.state, NEW.state) IN (
    ('requested', 'approved'), ('requested', 'rejected'), ('requested', 'cancelled'),
    ('requested', 'held'), ('held', 'requested'), ('held', 'approved'), ('held', 'rejected'),
    ('held', 'cancelled'), ('approved', 'held'), ('approved', 'debiting'),
    ('approved', 'paying'), ('approved', 'failed'), ('debiting', 'paying'),
    ('debiting', 'failed'), ('paying', 'paid'), ('paying', 'failed')
  ) THEN
    RAISE EXCEPTION 'no way leads from % to %', OLD.state, NEW.state USING ERRCODE = 'MQ031';
  END IF;
  -- Nobody's word is needed for what a rule of the brokerage lets through, if nothing is odd.
  IF NEW.state = 'approved'
     AND NOT (NEW.flags = '{}' AND EXISTS (
       SELECT FROM withdrawal_rule
       WHERE permissions = '{}' AND NEW.base_amount <= amount_to))
     AND granted_approval('withdrawal', 'withdrawal', NEW.id, withdrawal_content(NEW.id)) IS NULL
  THEN
    RAISE EXCEPTION 'nobody has approved exactly this' USING ERRCODE = 'MQ030';
  END IF;
  RETURN NEW;
END
$$;

CREATE FUNCTION check_withdrawal_part() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
  about withdrawal%ROWTYPE;
  edited boolean := TG_OP <> 'UPDATE';
BEGIN
  SELECT * INTO about FROM withdrawal
    WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.withdrawal_id ELSE NEW.withdrawal_id END;
  IF TG_OP = 'UPDATE' THEN
    edited := (NEW.withdrawal_id, NEW.number, NEW.way, NEW.label, NEW.amount, NEW.fee,
               NEW.connection_id, NEW.deposit_id, NEW.destination_id)
              IS DISTINCT FROM
              (OLD.withdrawal_id, OLD.number, OLD.way, OLD.label, OLD.amount, OLD.fee,
               OLD.connection_id, OLD.deposit_id, OLD.destination_id);
    IF NEW.state <> OLD.state AND NOT (OLD.state, NEW.state) IN (
      ('waiting', 'paying'), ('paying', 'unknown'), ('paying', 'paid'), ('paying', 'failed'),
      ('unknown', 'paying'), ('unknown', 'paid'), ('unknown', 'failed'), ('waiting', 'failed'),
      ('waiting', 'paid')
    ) THEN
      RAISE EXCEPTION 'no way leads from % to %', OLD.state, NEW.state USING ERRCODE = 'MQ031';
    END IF;
    -- Money leaves only after the book, and the trading server, have given it up.
    IF NEW.state IN ('paying', 'paid') AND NEW.state <> OLD.state AND about.state <> 'paying' THEN
      RAISE EXCEPTION 'a withdrawal that is % is not paid', about.state USING ERRCODE = 'MQ031';
    END IF;
  END IF;
  IF edited THEN
    IF about.state NOT IN ('requested', 'held') THEN
      RAISE EXCEPTION 'a withdrawal that is % is not edited', about.state USING ERRCODE = 'MQ032';
    END IF;
    PERFORM void_withdrawal_approvals(about.id);
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
