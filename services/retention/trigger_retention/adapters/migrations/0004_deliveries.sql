-- Deliveries of the log's events to targets, and the attempts at them: computed from
-- `trigger.delivery.*`, which comes in no order and more than once. They lie in partitions of their
-- event's hour and go when it goes: `logged_at` is the event's in all three tables.

-- One row per event and target: what its records amount to, of its newest round. Beside what is shown
-- each part has the place in the stream that decides which of two records counts.
CREATE TABLE {schema}.delivery (
    event_id        uuid        NOT NULL,
    target_id       text        NOT NULL,
    delivery_id     uuid        NOT NULL,
    trigger_id      text        NOT NULL,
    logged_at       timestamptz NOT NULL,
    round           integer     NOT NULL,
    -- Of the round's plan; none while only its attempts are known.
    planned_seq     bigint,
    planned_at      timestamptz,
    is_test         boolean     NOT NULL,
    -- Of its newest attempt, by number and epoch; 0 before the first.
    attempts        integer     NOT NULL,
    epoch           bigint      NOT NULL,
    attempt_seq     bigint,
    attempted_at    timestamptz,
    next_attempt_at timestamptz,
    code            text,
    status          integer,
    -- How the round ended; `pending` while it has not.
    state           text        NOT NULL,
    ended_seq       bigint,
    ended_at        timestamptz,
    reason          text,
    PRIMARY KEY (event_id, target_id)
) PARTITION BY RANGE (event_id);

CREATE INDEX delivery_id ON {schema}.delivery (delivery_id);
-- In the order of the log, so that what is asked of deliveries is found among events as well.
CREATE INDEX delivery_newest ON {schema}.delivery (logged_at DESC, event_id DESC, target_id DESC);
CREATE INDEX delivery_of_target ON {schema}.delivery (target_id, logged_at DESC, event_id DESC);
CREATE INDEX delivery_of_trigger ON {schema}.delivery (trigger_id, logged_at DESC, event_id DESC, target_id DESC);
-- Nearly all are delivered; the others would be hard to find among them.
CREATE INDEX delivery_undelivered ON {schema}.delivery (state, logged_at DESC, event_id DESC, target_id DESC)
    WHERE state <> 'delivered';

-- Every attempt. Two replicas' attempts under one number differ by their epoch.
CREATE TABLE {schema}.attempt (
    event_id        uuid        NOT NULL,
    target_id       text        NOT NULL,
    round           integer     NOT NULL,
    attempt         integer     NOT NULL,
    epoch           bigint      NOT NULL,
    stream_seq      bigint      NOT NULL,
    logged_at       timestamptz NOT NULL,
    target_version  integer     NOT NULL,
    started_at      timestamptz NOT NULL,
    duration_ms     integer     NOT NULL,
    dns_ms          integer,
    connect_ms      integer,
    first_byte_ms   integer,
    outcome         text        NOT NULL,
    code            text,
    status          integer,
    -- Scheme, host and port; never the path, which may be a secret.
    origin          text        NOT NULL,
    address         text,
    excerpt         text,
    retry_after_s   integer,
    next_attempt_at timestamptz,
    final           text,
    reason          text,
    PRIMARY KEY (event_id, target_id, round, attempt, epoch)
) PARTITION BY RANGE (event_id);

CREATE INDEX attempt_newest ON {schema}.attempt (logged_at);

CREATE VIEW {schema}.deliveries AS
    SELECT delivery_id, event_id, target_id, trigger_id, logged_at, is_test, round, state, reason,
           planned_at, attempts, attempted_at, code, status, ended_at,
           CASE WHEN state = 'pending' THEN coalesce(next_attempt_at, planned_at) END AS next_attempt_at
    FROM {schema}.delivery
    WHERE logged_at > now() - (SELECT kept_for FROM {schema}.life);

CREATE VIEW {schema}.attempts AS
    SELECT event_id, target_id, round, attempt, epoch, target_version, started_at, duration_ms, dns_ms,
           connect_ms, first_byte_ms, outcome, code, status, origin, address, excerpt, retry_after_s,
           next_attempt_at, final, reason
    FROM {schema}.attempt
    WHERE logged_at > now() - (SELECT kept_for FROM {schema}.life);

-- As before, with a partition of each table.
CREATE OR REPLACE FUNCTION {schema}.ensure_partitions(hours timestamptz[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    self      oid;
    home      text;
    hour      timestamptz;
    parent    text;
    partition text;
BEGIN
    GET DIAGNOSTICS self = PG_ROUTINE_OID;
    SELECT nspname INTO STRICT home
        FROM pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid WHERE p.oid = self;
    -- Two replicas may want the same partition: the second finds it made.
    PERFORM pg_advisory_xact_lock(4773002, self::integer);
    FOREACH hour IN ARRAY hours LOOP
        IF hour IS NULL OR hour <> date_trunc('hour', hour, 'UTC')
           OR hour < timestamptz '1970-01-01 00:00:00+00' OR hour > now() + interval '1 day' THEN
            RAISE EXCEPTION 'no partition can be made for the hour %', hour
                USING ERRCODE = 'datetime_field_overflow';
        END IF;
        FOREACH parent IN ARRAY ARRAY['event', 'delivery', 'attempt'] LOOP
            partition := parent || '_' || to_char(hour AT TIME ZONE 'UTC', 'YYYYMMDDHH24');
            CONTINUE WHEN to_regclass(format('%I.%I', home, partition)) IS NOT NULL;
            -- Attaching a table made beforehand blocks neither readers nor writers of the log;
            -- CREATE … PARTITION OF would.
            EXECUTE format('CREATE TABLE %1$I.%2$I (LIKE %1$I.%3$I INCLUDING ALL)', home, partition, parent);
            EXECUTE format('ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES FROM (%4$L) TO (%5$L)',
                home, parent, partition,
                lpad(to_hex((extract(epoch FROM hour) * 1000)::bigint), 12, '0') || repeat('0', 20),
                lpad(to_hex((extract(epoch FROM hour + interval '1 hour') * 1000)::bigint), 12, '0')
                    || repeat('0', 20));
        END LOOP;
    END LOOP;
END
$function$;

-- As before, with the hour's partition of each table: once nothing in any of them is alive.
CREATE OR REPLACE FUNCTION {schema}.drop_partition(hour timestamptz) RETURNS bigint
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '100ms'
AS $function$
DECLARE
    self      oid;
    home      text;
    suffix    text := '_' || to_char(hour AT TIME ZONE 'UTC', 'YYYYMMDDHH24');
    parent    text;
    kept_for  interval;
    alive     boolean;
    erased    bigint;
BEGIN
    GET DIAGNOSTICS self = PG_ROUTINE_OID;
    SELECT nspname INTO STRICT home
        FROM pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid WHERE p.oid = self;
    EXECUTE format('SELECT kept_for FROM %I.life', home) INTO STRICT kept_for;
    IF hour <> date_trunc('hour', hour, 'UTC') OR hour + interval '1 hour' + kept_for > now()
       OR to_regclass(format('%I.%I', home, 'event' || suffix)) IS NULL THEN
        RETURN NULL;
    END IF;
    -- Looked at and counted before anybody is blocked, then looked at again.
    FOREACH parent IN ARRAY ARRAY['event', 'delivery', 'attempt'] LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE logged_at > now() - $1)', home, parent || suffix)
            INTO alive USING kept_for;
        IF alive THEN
            RETURN NULL;
        END IF;
    END LOOP;
    EXECUTE format('SELECT count(*) FROM %I.%I', home, 'event' || suffix) INTO erased;
    EXECUTE format('LOCK TABLE ONLY %1$I.event, ONLY %1$I.delivery, ONLY %1$I.attempt IN ACCESS EXCLUSIVE MODE', home);
    FOREACH parent IN ARRAY ARRAY['event', 'delivery', 'attempt'] LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE logged_at > now() - $1)', home, parent || suffix)
            INTO alive USING kept_for;
        IF alive THEN
            RETURN NULL;
        END IF;
    END LOOP;
    EXECUTE format('DROP TABLE %1$I.%2$I, %1$I.%3$I, %1$I.%4$I',
        home, 'event' || suffix, 'delivery' || suffix, 'attempt' || suffix);
    RETURN erased;
END
$function$;

-- Of the hours that the log has already.
DO $body$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT relname AS name, pg_get_expr(relpartbound, pg_class.oid) AS bounds
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = '{schema}.event'::regclass
    LOOP
        EXECUTE format('CREATE TABLE {schema}.%I PARTITION OF {schema}.delivery %s',
            replace(one.name, 'event', 'delivery'), one.bounds);
        EXECUTE format('CREATE TABLE {schema}.%I PARTITION OF {schema}.attempt %s',
            replace(one.name, 'event', 'attempt'), one.bounds);
    END LOOP;
END
$body$;

GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.delivery, {schema}.attempt TO {prefix}etp_retention;
GRANT SELECT ON {schema}.deliveries, {schema}.attempts TO {prefix}etp_retention, {prefix}etp_api;
