-- The scheduler's projection of TRIGGER_CHANGES and its due index.

-- Every change of every trigger: the history, and the full state of each version.
-- `seq` gives the place in the stream; `state` is the TriggerChanged message as it was stored.
CREATE TABLE {schema}.change (
    change_seq  bigint      PRIMARY KEY,
    trigger_id  text        NOT NULL,
    command_id  text        NOT NULL,
    kind        text        NOT NULL,
    version     integer     NOT NULL,
    status      text        NOT NULL,
    is_test     boolean     NOT NULL,
    actor       text        NOT NULL,
    at          timestamptz NOT NULL,
    state       json        NOT NULL
);
CREATE INDEX change_trigger ON {schema}.change (trigger_id, change_seq DESC);
CREATE INDEX change_command ON {schema}.change (command_id);

-- A trigger as of its newest change, and when it fires next. Narrow: each fire rewrites a row.
CREATE TABLE {schema}.trigger (
    trigger_id       text        PRIMARY KEY,
    creation_id      text        NOT NULL,
    version          integer     NOT NULL,
    status           text        NOT NULL,
    is_test          boolean     NOT NULL,
    type             text        NOT NULL,
    name             text        NOT NULL,
    labels           text[]      NOT NULL,
    change_seq       bigint      NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    schedule         text,
    next_fire_at     timestamptz,
    cursor_at        timestamptz,
    due_seq          bigint      NOT NULL,
    due_stored_at    timestamptz,
    needs_completion boolean     NOT NULL
) WITH (fillfactor = 80);
-- What is due: the claim reads its beginning and nothing else.
CREATE INDEX trigger_due ON {schema}.trigger (next_fire_at) WHERE next_fire_at IS NOT NULL;
CREATE INDEX trigger_completion ON {schema}.trigger (trigger_id) WHERE needs_completion;
CREATE INDEX trigger_newest ON {schema}.trigger (created_at DESC, trigger_id DESC)
    WHERE status <> 'deleted' AND NOT is_test;
CREATE INDEX trigger_over ON {schema}.trigger (updated_at) WHERE status IN ('completed', 'deleted');

-- Answers to commands that changed nothing (refusals, edits that ask for what is), kept 48 h,
-- so that a repeated command is answered the same. Accepted commands are found in `change`.
CREATE TABLE {schema}.answer (
    command_id  text        PRIMARY KEY,
    change_seq  bigint,
    problem     json,
    answered_at timestamptz NOT NULL
);
CREATE INDEX answer_age ON {schema}.answer (answered_at);

-- Up to which change the log is surely projected.
CREATE TABLE {schema}.projection (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    change_seq bigint  NOT NULL
);

-- What the gateway may read.
CREATE VIEW {schema}.triggers AS
SELECT t.trigger_id, t.creation_id, t.version,
       CASE WHEN t.needs_completion THEN 'completed' ELSE t.status END AS status,
       t.type, t.name, t.labels, c.state -> 'definition' AS definition,
       c.state -> 'schedule' AS schedule, t.next_fire_at, t.change_seq, t.created_at, t.updated_at
FROM {schema}.trigger t JOIN {schema}.change c USING (change_seq)
WHERE t.status <> 'deleted' AND NOT t.is_test;

CREATE VIEW {schema}.trigger_history AS
SELECT trigger_id, change_seq, kind, version, status, at, actor, state -> 'definition' AS definition
FROM {schema}.change
WHERE NOT is_test;

CREATE VIEW {schema}.change_states AS
SELECT t.trigger_id, t.change_seq, c.state AS change
FROM {schema}.trigger t JOIN {schema}.change c USING (change_seq)
WHERE NOT t.is_test;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{prefix}etp_scheduler') THEN
        GRANT USAGE ON SCHEMA {schema} TO {prefix}etp_scheduler;
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON {schema}.change, {schema}.trigger, {schema}.answer TO {prefix}etp_scheduler;
        GRANT SELECT, INSERT, UPDATE ON {schema}.projection TO {prefix}etp_scheduler;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{prefix}etp_api') THEN
        GRANT USAGE ON SCHEMA {schema} TO {prefix}etp_api;
        GRANT SELECT ON {schema}.triggers, {schema}.trigger_history, {schema}.change_states TO {prefix}etp_api;
    END IF;
END
$$;
