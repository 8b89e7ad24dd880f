-- What waits to be delivered, and who delivers it: computed from trigger.delivery.* in TRIGGER_EVENTS.

-- A delivery that has not ended. One that has is no row here. `round`, `attempts` and `epoch` are those of its newest
-- record; `next_attempt_at` is when it may be tried; `change_seq` is given where its target is written out in the
-- change of a test.
CREATE TABLE {schema}.delivery (
    delivery_id     uuid        PRIMARY KEY,
    event_id        uuid        NOT NULL,
    event_seq       bigint      NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    logged_at       timestamptz NOT NULL,
    planned_at      timestamptz NOT NULL,
    change_seq      bigint,
    epoch           bigint      NOT NULL,
    round           integer     NOT NULL,
    attempts        integer     NOT NULL,
    is_test         boolean     NOT NULL,
    target_id       text        NOT NULL,
    trigger_id      text        NOT NULL
);
CREATE INDEX delivery_due ON {schema}.delivery (target_id, next_attempt_at);
CREATE INDEX delivery_fewest ON {schema}.delivery (target_id, attempts, next_attempt_at);
CREATE INDEX delivery_order ON {schema}.delivery (target_id, trigger_id, event_seq);
CREATE INDEX delivery_expiry ON {schema}.delivery (target_id, expires_at);

-- Rounds that a redelivery began, and first plans that came late, until their events' lives end: by these a plan that
-- comes again is told from a new one, also once its delivery has ended and is no row above.
CREATE TABLE {schema}.begun (
    delivery_id uuid        PRIMARY KEY,
    round       integer     NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX begun_expiry ON {schema}.begun (expires_at);

-- A target's deliveries in the hands of one replica, or of none: `wake_at` is when somebody is to take it, null where
-- nothing waits. `state` is its owner's (breaker, pause, rate). `is_asked`: a test of the target went well since it was
-- looked at, `probed_at` when the newest began. `for_test`: the target is written out in a test, and the row goes with its deliveries.
CREATE TABLE {schema}.lane (
    target_id       text        PRIMARY KEY,
    owner           text,
    epoch           bigint      NOT NULL DEFAULT 0,
    lease_until     timestamptz,
    wake_at         timestamptz,
    is_asked        boolean     NOT NULL DEFAULT false,
    probed_at       timestamptz,
    for_test        boolean     NOT NULL DEFAULT false,
    state           json        NOT NULL DEFAULT '{}',
    last_attempt_at timestamptz,
    last_outcome    text,
    last_code       text,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    -- Whether attempts fail, and since when they do so, or do not, one and all; of none it is not known.
    is_failing      boolean,
    since           timestamptz
) WITH (fillfactor = 50);
CREATE INDEX lane_wake ON {schema}.lane (wake_at) WHERE owner IS NULL AND wake_at IS NOT NULL;

-- Up to which sequence of TRIGGER_EVENTS all records are in these tables. One row.
CREATE TABLE {schema}.projection (
    id  boolean PRIMARY KEY DEFAULT true CHECK (id),
    seq bigint  NOT NULL DEFAULT 0
);
INSERT INTO {schema}.projection DEFAULT VALUES;

-- What the gateway may read.
CREATE VIEW {schema}.pending AS
SELECT delivery_id, event_id, event_seq, trigger_id, target_id, round, attempts, next_attempt_at, planned_at, expires_at,
       is_test
FROM {schema}.delivery;

-- Of its state what tells how a target is.
CREATE VIEW {schema}.lanes AS
SELECT target_id, wake_at, is_failing, since, last_attempt_at, last_outcome, last_code, last_success_at, last_failure_at,
       (state ->> 'open_until')::timestamptz AS open_until,
       coalesce((state ->> 'is_gone')::boolean, false) AS is_gone,
       (state ->> 'paused_until')::timestamptz AS paused_until
FROM {schema}.lane
WHERE NOT for_test;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{prefix}etp_executor') THEN
        GRANT USAGE ON SCHEMA {schema} TO {prefix}etp_executor;
        GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.delivery, {schema}.begun, {schema}.lane TO {prefix}etp_executor;
        GRANT SELECT, INSERT, UPDATE ON {schema}.projection TO {prefix}etp_executor;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{prefix}etp_api') THEN
        GRANT USAGE ON SCHEMA {schema} TO {prefix}etp_api;
        GRANT SELECT ON {schema}.pending, {schema}.lanes TO {prefix}etp_api;
    END IF;
END
$$;
