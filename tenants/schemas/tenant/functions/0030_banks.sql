-- Functions of revision 0030. Every statement ends with $$;

-- Keeps what a bank has said, and lets money leave suspense only as somebody else agreed.
CREATE FUNCTION keep_bank_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.reference, NEW.statement_id, NEW.bank_account_id, NEW.line_key, NEW.amount,
      NEW.currency, NEW.booked_on, NEW.bank_reference, NEW.end_to_end, NEW.party_name,
      NEW.party_number, NEW.purpose)
    IS DISTINCT FROM
     (OLD.id, OLD.reference, OLD.statement_id, OLD.bank_account_id, OLD.line_key, OLD.amount,
      OLD.currency, OLD.booked_on, OLD.bank_reference, OLD.end_to_end, OLD.party_name,
      OLD.party_number, OLD.purpose) THEN
    RAISE EXCEPTION 'what the bank said can not be changed' USING ERRCODE = 'MQ050';
  END IF;
  IF NEW.state <> OLD.state AND OLD.state NOT IN ('suspense', 'returning') THEN
    RAISE EXCEPTION 'line % is % already', OLD.reference, OLD.state USING ERRCODE = 'MQ051';
  END IF;
  IF OLD.state = 'suspense' AND NEW.state IN ('released', 'returning') AND NOT EXISTS (
    SELECT 1 FROM approval WHERE kind = 'treasury.suspense_release'
      AND subject_kind = 'bank_line' AND subject_id = NEW.id AND state = 'granted') THEN
    RAISE EXCEPTION 'nobody else has agreed to release %', OLD.reference USING ERRCODE = 'MQ052';
  END IF;
  RETURN NEW;
END
$$;

-- Keeps what is closed, and lets a difference be written off only as somebody else agreed.
CREATE FUNCTION keep_break() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.reference, NEW.key, NEW.payment, NEW.opened_at, NEW.opened_run_id)
    IS DISTINCT FROM
     (OLD.id, OLD.reference, OLD.key, OLD.payment, OLD.opened_at, OLD.opened_run_id) THEN
    RAISE EXCEPTION 'what a break is about can not be changed' USING ERRCODE = 'MQ050';
  END IF;
  IF OLD.state <> 'open' THEN
    RAISE EXCEPTION 'break % is % already', OLD.reference, OLD.state USING ERRCODE = 'MQ051';
  END IF;
  IF NEW.state = 'written_off' AND NOT EXISTS (
    SELECT 1 FROM approval WHERE kind = 'treasury.write_off'
      AND subject_kind = 'reconciliation_break' AND subject_id = NEW.id AND state = 'granted') THEN
    RAISE EXCEPTION 'nobody else has agreed to write % off', OLD.reference
      USING ERRCODE = 'MQ052';
  END IF;
  RETURN NEW;
END
$$;
