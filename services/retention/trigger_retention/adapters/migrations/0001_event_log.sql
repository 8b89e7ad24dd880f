-- The event log: one row per event id, in hourly partitions of the UUIDv7's own time.
-- There is no default partition: a row without a partition is an error, never a slow scan.
-- {schema} is the name of the schema: a rebuild builds the same one under another name.

CREATE TABLE {schema}.event (
    event_id           uuid        NOT NULL,
    stream_seq         bigint      NOT NULL,
    trigger_id         text        NOT NULL,
    trigger_name       text        NOT NULL,
    trigger_type       text        NOT NULL,
    trigger_version    integer     NOT NULL,
    status             text        NOT NULL,
    source             text        NOT NULL,
    is_test            boolean     NOT NULL,
    scheduled_for      timestamptz,
    fired_at           timestamptz,
    logged_at          timestamptz NOT NULL,
    misfire            boolean     NOT NULL,
    reason             text,
    errors             json        NOT NULL,
    count              integer     NOT NULL,
    last_scheduled_for timestamptz,
    -- json, not jsonb: kept as it came, and 23 % cheaper to write.
    payload            json,
    PRIMARY KEY (event_id)
) PARTITION BY RANGE (event_id);

-- The newest of all, and of one trigger, page by page.
CREATE INDEX event_newest ON {schema}.event (logged_at DESC, event_id DESC);
CREATE INDEX event_of_trigger ON {schema}.event (trigger_id, logged_at DESC, event_id DESC);
-- Nearly all rows are fired and no test; the others would be hard to find among them. These
-- cost a fired row nothing.
CREATE INDEX event_unfired ON {schema}.event (status, logged_at DESC, event_id DESC)
    WHERE status <> 'fired';
CREATE INDEX event_tests ON {schema}.event (logged_at DESC, event_id DESC) WHERE is_test;

-- How long a row lives, as the service was told. No row means the platform's own 2 h and 48 h.
CREATE TABLE {schema}.life_setting (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    active_for interval NOT NULL,
    kept_for   interval NOT NULL,
    CHECK (active_for > interval '0' AND kept_for > active_for)
);

CREATE VIEW {schema}.life AS
    SELECT coalesce(max(active_for), interval '2 hours')  AS active_for,
           coalesce(max(kept_for),   interval '48 hours') AS kept_for
    FROM {schema}.life_setting;

-- The views are predicates on a row's age, now() - logged_at, exact to the microsecond:
-- age < active_for active, active_for <= age < kept_for archived, else in none.
-- Written as comparisons of logged_at with one value a statement, so that indexes serve them.
CREATE VIEW {schema}.events AS
    SELECT event_id, trigger_id, trigger_name, trigger_type, trigger_version, status, source,
           is_test, scheduled_for, fired_at, logged_at, misfire, reason, errors, count,
           last_scheduled_for, payload,
           CASE WHEN logged_at > now() - (SELECT active_for FROM {schema}.life)
                THEN 'active' ELSE 'archived' END AS state,
           logged_at + (SELECT active_for FROM {schema}.life) AS archives_at,
           logged_at + (SELECT kept_for FROM {schema}.life) AS deletes_at
    FROM {schema}.event
    WHERE logged_at > now() - (SELECT kept_for FROM {schema}.life);

CREATE VIEW {schema}.active AS
    SELECT * FROM {schema}.events
    WHERE logged_at > now() - (SELECT active_for FROM {schema}.life);

CREATE VIEW {schema}.archived AS
    SELECT * FROM {schema}.events
    WHERE logged_at <= now() - (SELECT active_for FROM {schema}.life);

-- Partitions come and go at run time, yet no service may alter a table: these two functions run
-- with the owner's rights. They find their schema by their own identity, not by its name, and
-- so outlive its renaming (a rebuild builds another schema and gives it this one's name).

CREATE FUNCTION {schema}.ensure_partitions(hours timestamptz[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    self      oid;
    home      text;
    hour      timestamptz;
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
        partition := 'event_' || to_char(hour AT TIME ZONE 'UTC', 'YYYYMMDDHH24');
        CONTINUE WHEN to_regclass(format('%I.%I', home, partition)) IS NOT NULL;
        -- Attaching a table made beforehand blocks neither readers nor writers of the log;
        -- CREATE … PARTITION OF would.
        EXECUTE format('CREATE TABLE %1$I.%2$I (LIKE %1$I.event INCLUDING ALL)', home, partition);
        EXECUTE format('ALTER TABLE %1$I.event ATTACH PARTITION %1$I.%2$I FOR VALUES FROM (%3$L) TO (%4$L)',
            home, partition,
            lpad(to_hex((extract(epoch FROM hour) * 1000)::bigint), 12, '0') || repeat('0', 20),
            lpad(to_hex((extract(epoch FROM hour + interval '1 hour') * 1000)::bigint), 12, '0')
                || repeat('0', 20));
    END LOOP;
END
$function$;

-- Drops the partition of an hour once no row in it is alive: how many rows went with it, or
-- null where it stays. Waits at most 100 ms for long readers (and whoever waits behind it waits
-- no longer than that); then it fails with lock_not_available, for a later try.
CREATE FUNCTION {schema}.drop_partition(hour timestamptz) RETURNS bigint
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '100ms'
AS $function$
DECLARE
    self      oid;
    home      text;
    partition text := 'event_' || to_char(hour AT TIME ZONE 'UTC', 'YYYYMMDDHH24');
    kept_for  interval;
    alive     boolean;
    erased    bigint;
BEGIN
    GET DIAGNOSTICS self = PG_ROUTINE_OID;
    SELECT nspname INTO STRICT home
        FROM pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid WHERE p.oid = self;
    EXECUTE format('SELECT kept_for FROM %I.life', home) INTO STRICT kept_for;
    IF hour <> date_trunc('hour', hour, 'UTC') OR hour + interval '1 hour' + kept_for > now()
       OR to_regclass(format('%I.%I', home, partition)) IS NULL THEN
        RETURN NULL;
    END IF;
    -- Looked at and counted before anybody is blocked, then looked at again.
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE logged_at > now() - $1)', home, partition)
        INTO alive USING kept_for;
    IF alive THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT count(*) FROM %I.%I', home, partition) INTO erased;
    EXECUTE format('LOCK TABLE ONLY %I.event IN ACCESS EXCLUSIVE MODE', home);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE logged_at > now() - $1)', home, partition)
        INTO alive USING kept_for;
    IF alive THEN
        RETURN NULL;
    END IF;
    EXECUTE format('DROP TABLE %I.%I', home, partition);
    RETURN erased;
END
$function$;

REVOKE ALL ON FUNCTION {schema}.ensure_partitions, {schema}.drop_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.ensure_partitions, {schema}.drop_partition TO {prefix}etp_retention;
GRANT USAGE ON SCHEMA {schema} TO {prefix}etp_retention, {prefix}etp_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.event TO {prefix}etp_retention;
GRANT SELECT, INSERT, UPDATE ON {schema}.life_setting TO {prefix}etp_retention;
GRANT SELECT ON {schema}.life, {schema}.events, {schema}.active, {schema}.archived TO {prefix}etp_retention, {prefix}etp_api;
