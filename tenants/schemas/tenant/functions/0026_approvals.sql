-- Four eyes, kept by PostgreSQL, created by revision 0026. Every statement ends with $$;
-- MQ020 the same person, MQ021 decided already, MQ022 closed, MQ023 not allowed, MQ024 edited.

-- A person is an e-mail address, whatever number of logins has it.
CREATE FUNCTION person_of(wanted uuid) RETURNS text LANGUAGE sql STABLE
SET search_path FROM CURRENT AS $$
  SELECT encode(sha256(convert_to(lower(btrim(email)), 'UTF8')), 'hex')
  FROM user_account WHERE id = wanted
$$;

CREATE FUNCTION approval_content_hash(content jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT encode(sha256(convert_to(content::text, 'UTF8')), 'hex')
$$;

-- A request says who asked and for exactly what, once and for all.
CREATE FUNCTION check_approval_opened() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.state <> 'open' OR NEW.step <> 1 OR NEW.closed_at IS NOT NULL THEN
    RAISE EXCEPTION 'a request begins open, at its first step' USING ERRCODE = 'MQ024';
  END IF;
  NEW.content_hash := approval_content_hash(NEW.content);
  NEW.maker_person := person_of(NEW.maker_id);
  IF NEW.maker_kind IN ('staff', 'client', 'partner') AND NEW.maker_person IS NULL THEN
    RAISE EXCEPTION 'nobody knows who asks' USING ERRCODE = 'MQ024';
  END IF;
  NEW.barred_persons := ARRAY(
    SELECT person_of(one::uuid) FROM unnest(NEW.barred) AS one
    WHERE person_of(one::uuid) IS NOT NULL
  );
  RETURN NEW;
END
$$;

-- What was asked is never edited, and the state follows the decisions.
CREATE FUNCTION check_approval_changed() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
  agreed integer;
  refused integer;
BEGIN
  IF (NEW.id, NEW.kind, NEW.subject_kind, NEW.subject_id, NEW.content, NEW.content_hash,
      NEW.summary, NEW.permissions, NEW.barred, NEW.barred_persons, NEW.maker_kind,
      NEW.maker_id, NEW.maker_person, NEW.maker_label, NEW.opened_at)
     IS DISTINCT FROM
     (OLD.id, OLD.kind, OLD.subject_kind, OLD.subject_id, OLD.content, OLD.content_hash,
      OLD.summary, OLD.permissions, OLD.barred, OLD.barred_persons, OLD.maker_kind,
      OLD.maker_id, OLD.maker_person, OLD.maker_label, OLD.opened_at) THEN
    RAISE EXCEPTION 'a request is not edited: it is voided and asked anew'
      USING ERRCODE = 'MQ024';
  END IF;
  IF OLD.state IN ('rejected', 'voided') THEN
    RAISE EXCEPTION 'the request is %', OLD.state USING ERRCODE = 'MQ022';
  END IF;
  SELECT count(*) FILTER (WHERE approve), count(*) FILTER (WHERE NOT approve)
    INTO agreed, refused FROM approval_decision WHERE approval_id = OLD.id;
  IF NEW.state = 'voided' THEN
    IF NEW.reason = '' OR NEW.step <> OLD.step THEN
      RAISE EXCEPTION 'what is voided says why' USING ERRCODE = 'MQ024';
    END IF;
  ELSIF NEW.state = 'rejected' THEN
    IF OLD.state <> 'open' OR refused = 0 THEN
      RAISE EXCEPTION 'nobody has refused this request' USING ERRCODE = 'MQ024';
    END IF;
  ELSIF NEW.state = 'granted' THEN
    IF OLD.state <> 'open' OR refused > 0 OR agreed < cardinality(OLD.permissions) THEN
      RAISE EXCEPTION '% of % have agreed', agreed, cardinality(OLD.permissions)
        USING ERRCODE = 'MQ024';
    END IF;
  ELSIF OLD.state <> 'open' OR refused > 0 OR NEW.step <> agreed + 1
        OR NEW.step > cardinality(OLD.permissions) THEN
    RAISE EXCEPTION 'the step follows the decisions' USING ERRCODE = 'MQ024';
  END IF;
  IF NEW.state <> OLD.state THEN
    NEW.closed_at := now();
  END IF;
  RETURN NEW;
END
$$;

-- Who may decide: an active member of staff with the step's permission, who is neither the maker
-- nor barred nor one of those who decided before, under whatever login.
CREATE FUNCTION check_approval_decision() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
  asked approval%ROWTYPE;
BEGIN
  SELECT * INTO asked FROM approval WHERE id = NEW.approval_id FOR UPDATE;
  IF asked.id IS NULL OR asked.state <> 'open' OR NEW.step <> asked.step THEN
    RAISE EXCEPTION 'this step waits for nobody' USING ERRCODE = 'MQ022';
  END IF;
  NEW.decided_at := now();
  SELECT person_of(id) INTO NEW.person FROM user_account
    WHERE id = NEW.user_id AND kind = 'staff' AND state = 'active';
  IF NEW.person IS NULL THEN
    RAISE EXCEPTION 'only active staff decide' USING ERRCODE = 'MQ023';
  END IF;
  IF NEW.user_id = asked.maker_id OR NEW.person IN (asked.maker_person, person_of(asked.maker_id))
     OR NEW.user_id::text = ANY (asked.barred) OR NEW.person = ANY (asked.barred_persons)
     OR NEW.person IN (SELECT person_of(one::uuid) FROM unnest(asked.barred) AS one) THEN
    RAISE EXCEPTION 'whoever asks or is concerned does not decide' USING ERRCODE = 'MQ020';
  END IF;
  IF EXISTS (
    SELECT FROM approval_decision
    WHERE approval_id = NEW.approval_id
      AND (user_id = NEW.user_id OR person IN (NEW.person, person_of(NEW.user_id))
           OR person_of(user_id) = NEW.person)
  ) THEN
    RAISE EXCEPTION 'one decision a person' USING ERRCODE = 'MQ021';
  END IF;
  IF NOT EXISTS (
    SELECT FROM staff_role s JOIN role_permission p ON p.role = s.role
    WHERE s.user_id = NEW.user_id AND p.permission = asked.permissions[asked.step]
  ) THEN
    RAISE EXCEPTION 'the step asks for %', asked.permissions[asked.step] USING ERRCODE = 'MQ023';
  END IF;
  RETURN NEW;
END
$$;

CREATE FUNCTION follow_approval_decision() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE approval SET
    state = CASE WHEN NOT NEW.approve THEN 'rejected'
                 WHEN NEW.step = cardinality(permissions) THEN 'granted' ELSE 'open' END,
    step = CASE WHEN NEW.approve AND NEW.step < cardinality(permissions)
                THEN NEW.step + 1 ELSE step END,
    reason = CASE WHEN NEW.approve THEN reason ELSE NEW.reason END
  WHERE id = NEW.approval_id;
  RETURN NULL;
END
$$;

-- The approval that covers exactly this content: the newest one of its subject, and granted.
CREATE FUNCTION granted_approval(wanted text, about text, about_id uuid, exactly jsonb)
RETURNS uuid LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT id FROM (
    SELECT id, state, content_hash FROM approval
    WHERE kind = wanted AND subject_kind = about AND subject_id = about_id
    ORDER BY number DESC LIMIT 1
  ) AS newest
  WHERE state = 'granted' AND content_hash = approval_content_hash(exactly)
$$;
