-- What creators use: active triggers, and how often a day these fire by their own rules.

ALTER TABLE {schema}.trigger
    -- Whose quota it counts to: an API key's, or that of all of NATS, and of triggers older than this.
    ADD COLUMN created_by  text   NOT NULL DEFAULT 'nats',
    -- Of an active one; 0 where it has no schedule, or fires once.
    ADD COLUMN fires_a_day bigint NOT NULL DEFAULT 0;

-- The sums of the table above, kept by the statement that writes it: a row a creator.
CREATE TABLE {schema}.usage (
    created_by  text   PRIMARY KEY,
    triggers    bigint NOT NULL,
    fires_a_day bigint NOT NULL
);
-- Of triggers made before this the schedules are counted with their next edit, or by a rebuild.
INSERT INTO {schema}.usage (created_by, triggers, fires_a_day)
SELECT 'nats', count(*), 0 FROM {schema}.trigger
WHERE status = 'active' AND NOT is_test
HAVING count(*) > 0;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{prefix}etp_scheduler') THEN
        GRANT SELECT, INSERT, UPDATE ON {schema}.usage TO {prefix}etp_scheduler;
    END IF;
END
$$;
