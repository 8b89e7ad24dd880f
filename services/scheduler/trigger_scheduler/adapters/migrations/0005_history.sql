-- Histories are bounded: how long each is, found without counting them.

ALTER TABLE {schema}.trigger
    -- Changes kept of it.
    ADD COLUMN versions      integer NOT NULL DEFAULT 1,
    -- When the oldest of them was superseded; null while it is the only one.
    ADD COLUMN superseded_at timestamptz;
UPDATE {schema}.trigger t
SET versions = kept.versions, superseded_at = kept.superseded_at
FROM (SELECT trigger_id, count(*) AS versions,
             (array_agg(at ORDER BY change_seq))[2] AS superseded_at
      FROM {schema}.change GROUP BY trigger_id HAVING count(*) > 1) AS kept
WHERE t.trigger_id = kept.trigger_id;
-- A fire writes its row anew, into each index that has it: most triggers are in neither.
CREATE INDEX trigger_versions ON {schema}.trigger (versions) WHERE versions > 1;
CREATE INDEX trigger_superseded ON {schema}.trigger (superseded_at) WHERE superseded_at IS NOT NULL;
