-- Functions of the tally of leads, created by revision 0024. Every statement ends with $$;

-- Three triggers, because each kind of statement shows its rows under other names. They write into
-- the schema they were made in, whatever the path of whoever writes leads.
CREATE FUNCTION tally_new_leads() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO lead_tally (stage, country, owner_id, number)
  SELECT stage, country, owner_id, count(*) FROM after_it GROUP BY stage, country, owner_id;
  RETURN NULL;
END
$$;

CREATE FUNCTION tally_changed_leads() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO lead_tally (stage, country, owner_id, number)
  SELECT stage, country, owner_id, sum(step) FROM (
    SELECT stage, country, owner_id, -1 AS step FROM before_it
    UNION ALL SELECT stage, country, owner_id, 1 FROM after_it
  ) AS moved GROUP BY stage, country, owner_id HAVING sum(step) <> 0;
  RETURN NULL;
END
$$;

CREATE FUNCTION tally_gone_leads() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO lead_tally (stage, country, owner_id, number)
  SELECT stage, country, owner_id, -count(*) FROM before_it GROUP BY stage, country, owner_id;
  RETURN NULL;
END
$$;
