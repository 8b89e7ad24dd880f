-- How often a limited schedule has fired: a count that outlives the due records, which hold it too.

ALTER TABLE {schema}.trigger
    ADD COLUMN fires          integer NOT NULL DEFAULT 0,
    -- What the newest change says of it, and when that was written.
    ADD COLUMN recorded_fires integer NOT NULL DEFAULT 0,
    ADD COLUMN recorded_at    timestamptz;
CREATE INDEX trigger_checkpoint ON {schema}.trigger (recorded_at) WHERE fires > recorded_fires;

CREATE OR REPLACE VIEW {schema}.triggers AS
SELECT t.trigger_id, t.creation_id, t.version,
       CASE WHEN t.needs_completion THEN 'completed' ELSE t.status END AS status,
       t.type, t.name, t.labels, c.state -> 'definition' AS definition,
       c.state -> 'schedule' AS schedule, t.next_fire_at, t.change_seq, t.created_at, t.updated_at,
       t.fires, t.cursor_at
FROM {schema}.trigger t JOIN {schema}.change c USING (change_seq)
WHERE t.status <> 'deleted' AND NOT t.is_test;

-- A checkpoint changes nothing that anybody asked for.
CREATE OR REPLACE VIEW {schema}.trigger_history AS
SELECT trigger_id, change_seq, kind, version, status, at, actor, state -> 'definition' AS definition
FROM {schema}.change
WHERE NOT is_test AND kind <> 'checkpointed';
