-- Targets: the projection of TRIGGER_TARGETS, and which triggers name them.

-- Every change of every target; `state` is the TargetChanged message as it was stored, its secrets sealed.
CREATE TABLE {schema}.target_change (
    change_seq bigint      PRIMARY KEY,
    target_id  text        NOT NULL,
    command_id text        NOT NULL,
    kind       text        NOT NULL,
    version    integer     NOT NULL,
    actor      text        NOT NULL,
    at         timestamptz NOT NULL,
    state      json        NOT NULL
);
CREATE INDEX target_change_target ON {schema}.target_change (target_id, change_seq DESC);
CREATE INDEX target_change_command ON {schema}.target_change (command_id);

-- A target as of its newest change. `place` is the origin of its URL, or its subject.
CREATE TABLE {schema}.target (
    target_id    text        PRIMARY KEY,
    version      integer     NOT NULL,
    status       text        NOT NULL,
    type         text        NOT NULL,
    name         text,
    place        text        NOT NULL,
    alert_target text,
    change_seq   bigint      NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX target_newest ON {schema}.target (created_at DESC, target_id DESC) WHERE status = 'active';
CREATE INDEX target_over ON {schema}.target (updated_at) WHERE status = 'deleted';
CREATE INDEX target_alerts ON {schema}.target (alert_target)
    WHERE alert_target IS NOT NULL AND status = 'active';

-- Which targets the newest version of each trigger names, while there is such a trigger.
CREATE TABLE {schema}.trigger_target (
    trigger_id text NOT NULL,
    target_id  text NOT NULL,
    PRIMARY KEY (trigger_id, target_id)
);
CREATE INDEX trigger_target_target ON {schema}.trigger_target (target_id);

-- An edit of a target that asked for what is: the change it was answered by.
ALTER TABLE {schema}.answer ADD COLUMN target_seq bigint;
-- Up to which change of a target the log is surely projected.
ALTER TABLE {schema}.projection ADD COLUMN target_seq bigint NOT NULL DEFAULT 0;

-- What the gateway may read: secrets are sealed here, and it shows none.
CREATE VIEW {schema}.targets AS
SELECT t.target_id, t.version, t.type, t.name, t.place, t.change_seq, t.created_at, t.updated_at,
       c.state AS change
FROM {schema}.target t JOIN {schema}.target_change c USING (change_seq)
WHERE t.status = 'active';

CREATE VIEW {schema}.target_history AS
SELECT target_id, change_seq, kind, version, at, actor, state AS change
FROM {schema}.target_change;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{prefix}etp_scheduler') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON {schema}.target_change, {schema}.target, {schema}.trigger_target TO {prefix}etp_scheduler;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{prefix}etp_api') THEN
        GRANT SELECT ON {schema}.targets, {schema}.target_history TO {prefix}etp_api;
    END IF;
END
$$;
