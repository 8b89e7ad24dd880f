-- Finding rows: by word, by name, by lateness; and counting them without reading them all.
--
-- What would make every insert dearer is done once an hour is over ("closing" it): an index of
-- its words, of its names, and of unusual sources and types.

ALTER TABLE {schema}.event ADD COLUMN replay_of uuid;

-- These cost a row that is neither late nor a replay nothing.
CREATE INDEX event_replays ON {schema}.event (logged_at DESC, event_id DESC) WHERE source = 'replay';
CREATE INDEX event_late ON {schema}.event (logged_at DESC, event_id DESC)
    WHERE fired_at - scheduled_for >= interval '1 second';

-- What a payload says, for looking at its letters.
CREATE FUNCTION {schema}.said(payload json) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(payload::text COLLATE "pg_c_utf8");

-- The words of a payload, each as 64 bits of hash: a third of the words' own size, and what
-- PostgreSQL keeps as statistics then holds nothing of a payload. The same rule as
-- trigger_api.domain.words: lower case, character by character; an escape is a separator. By
-- COST the planner knows that taking a text apart is dear, and asks an index of words first.
CREATE FUNCTION {schema}.word_hashes(payload json) RETURNS bigint[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 300
AS $function$
DECLARE
    -- Not by calling said(): this body names no schema, which a rebuild would rename under it.
    said text := lower(payload::text COLLATE "pg_c_utf8");
BEGIN
    IF strpos(said, '\') > 0 THEN
        said := regexp_replace(said, '\\(u[0-9a-f]{4}|.)', ' ', 'g');
    END IF;
    RETURN ARRAY(
        SELECT hashtextextended(word COLLATE "C", 0)
        FROM regexp_split_to_table(said, '[^0-9a-z\u00c0-\u1fff\u2070-\u2fff\u3040-\U0010ffff]+') AS word
        WHERE word <> '');
END
$function$;

-- Lateness in steps of 10 %: step n holds 1.1^n to 1.1^(n+1) microseconds, and one. The middle of a
-- step is within 5 % of whatever is in it. (Of strict functions only: so it is inlined.)
CREATE FUNCTION {schema}.lateness_step(lateness interval) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN isfinite(lateness) -- of an instant beyond those that the driver can write it is not
                THEN floor(ln(abs(date_part('epoch', lateness)) * 1e6 + 1) / ln(1.1::float8))::smallint END;

-- How many rows there are of each kind in each minute and each hour, kept up by whatever writes the
-- table: charts and counts over all of 48 hours add up a few thousand of these.
CREATE TABLE {schema}.summary (
    span          interval    NOT NULL,
    begins        timestamptz NOT NULL,
    status        text        NOT NULL,
    source        text        NOT NULL,
    trigger_type  text        NOT NULL,
    is_test       boolean     NOT NULL,
    lateness_step smallint,
    rows          bigint      NOT NULL,
    UNIQUE NULLS NOT DISTINCT (span, begins, status, source, trigger_type, is_test, lateness_step)
) WITH (fillfactor = 50); -- the same few rows change again and again, each in its own page

-- Adds the rows that a statement has written to the summary, or takes off those it has removed: its
-- argument is 1 or -1. In the order of the key, so that of two writers one waits for the other. Only
-- where rows are replaced, which happens once in a while, each may wait for the other: one of them
-- is told so by PostgreSQL, and tries again.
CREATE FUNCTION {schema}.sum_up() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM set_config('search_path', format('pg_catalog, %I, pg_temp', TG_TABLE_SCHEMA), true);
    INSERT INTO summary AS s
        WITH minute AS ( -- the hours are made of these, not of the rows once more
            SELECT date_bin('1 minute', logged_at, timestamptz 'epoch') AS begins, status, source,
                   trigger_type, is_test, lateness_step(fired_at - scheduled_for), count(*) AS rows
            FROM changed GROUP BY 1, 2, 3, 4, 5, 6)
        SELECT span, date_bin(span, begins, timestamptz 'epoch'), status, source, trigger_type,
               is_test, lateness_step, TG_ARGV[0]::integer * sum(rows)
        FROM minute CROSS JOIN (VALUES (interval '1 minute'), (interval '1 hour')) AS each (span)
        GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT (span, begins, status, source, trigger_type, is_test, lateness_step)
        DO UPDATE SET rows = s.rows + excluded.rows;
    RETURN NULL;
END
$function$;

CREATE TRIGGER added AFTER INSERT ON {schema}.event
    REFERENCING NEW TABLE AS changed EXECUTE FUNCTION {schema}.sum_up('1');
CREATE TRIGGER replaced AFTER UPDATE ON {schema}.event
    REFERENCING OLD TABLE AS changed EXECUTE FUNCTION {schema}.sum_up('-1');
CREATE TRIGGER replacing AFTER UPDATE ON {schema}.event
    REFERENCING NEW TABLE AS changed EXECUTE FUNCTION {schema}.sum_up('1');
CREATE TRIGGER removed AFTER DELETE ON {schema}.event
    REFERENCING OLD TABLE AS changed EXECUTE FUNCTION {schema}.sum_up('-1');

-- The same of what there is from one event id to another.
CREATE FUNCTION {schema}.sums_of(first uuid, after uuid) RETURNS SETOF {schema}.summary
    LANGUAGE sql STABLE STRICT
BEGIN ATOMIC
    SELECT span, date_bin(span, logged_at, timestamptz 'epoch'), status, source, trigger_type, is_test,
           {schema}.lateness_step(fired_at - scheduled_for), count(*)
    FROM {schema}.event CROSS JOIN (VALUES (interval '1 minute'), (interval '1 hour')) AS each (span)
    WHERE event_id >= first AND event_id < after
    GROUP BY 1, 2, 3, 4, 5, 6, 7;
END;

INSERT INTO {schema}.summary
    SELECT * FROM {schema}.sums_of('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff');

CREATE VIEW {schema}.sums AS
    SELECT span, begins, status, source, trigger_type, is_test, lateness_step, rows
    FROM {schema}.summary;

-- The words of rows whose hour is not closed yet. What is written waits in one table, in the same
-- transaction as its row; retention moves it to the other one, by the thousands. Whatever
-- moment a search sees, each row with a payload is in one of the two, or its hour is closed.
CREATE TABLE {schema}.waiting_word (event_id uuid PRIMARY KEY)
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE TABLE {schema}.recent_word (event_id uuid NOT NULL, hashes bigint[] NOT NULL)
    PARTITION BY RANGE (event_id);

CREATE FUNCTION {schema}.wait_for_index() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM set_config('search_path', format('pg_catalog, %I, pg_temp', TG_TABLE_SCHEMA), true);
    INSERT INTO waiting_word SELECT event_id FROM changed WHERE payload IS NOT NULL ORDER BY event_id
        -- Not DO NOTHING: whoever is about to index it shall wait, and read what it says then.
        ON CONFLICT (event_id) DO UPDATE SET event_id = excluded.event_id;
    RETURN NULL;
END
$function$;

CREATE TRIGGER added_words AFTER INSERT ON {schema}.event
    REFERENCING NEW TABLE AS changed EXECUTE FUNCTION {schema}.wait_for_index();
CREATE TRIGGER replacing_words AFTER UPDATE ON {schema}.event
    REFERENCING NEW TABLE AS changed EXECUTE FUNCTION {schema}.wait_for_index();

-- What is there already.
INSERT INTO {schema}.waiting_word SELECT event_id FROM {schema}.event WHERE payload IS NOT NULL;

CREATE VIEW {schema}.recent_words AS SELECT event_id, hashes FROM {schema}.recent_word;
CREATE VIEW {schema}.waiting_words AS SELECT event_id FROM {schema}.waiting_word;

CREATE OR REPLACE VIEW {schema}.events AS
    SELECT event_id, trigger_id, trigger_name, trigger_type, trigger_version, status, source,
           is_test, scheduled_for, fired_at, logged_at, misfire, reason, errors, count,
           last_scheduled_for, payload,
           CASE WHEN logged_at > now() - (SELECT active_for FROM {schema}.life)
                THEN 'active' ELSE 'archived' END AS state,
           logged_at + (SELECT active_for FROM {schema}.life) AS archives_at,
           logged_at + (SELECT kept_for FROM {schema}.life) AS deletes_at,
           replay_of,
           fired_at - scheduled_for AS lateness,
           {schema}.said(payload) AS said,
           {schema}.word_hashes(payload) AS word_hashes
    FROM {schema}.event
    WHERE logged_at > now() - (SELECT kept_for FROM {schema}.life);

CREATE OR REPLACE VIEW {schema}.active AS
    SELECT * FROM {schema}.events
    WHERE logged_at > now() - (SELECT active_for FROM {schema}.life);

CREATE OR REPLACE VIEW {schema}.archived AS
    SELECT * FROM {schema}.events
    WHERE logged_at <= now() - (SELECT active_for FROM {schema}.life);

CREATE FUNCTION {schema}.first_id(at timestamptz) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- The hours of the log, with the bounds of their event ids, and the name of the table for their words
-- until they are closed. Closed are those whose words have an index of their own.
CREATE VIEW {schema}.hours AS
    SELECT hour, partition, {schema}.first_id(hour) AS first_id,
           {schema}.first_id(hour + interval '1 hour') AS end_id, 'words_' || right(name, 10) AS words,
           EXISTS (SELECT FROM pg_class AS index WHERE index.relname = name || '_words'
                   AND index.relnamespace = home) AS is_closed
    FROM (SELECT CASE WHEN relname ~ '^event_[0-9]{10}$' -- no other name is read as a time
                      THEN to_timestamp(right(relname, 10) || '+00', 'YYYYMMDDHH24TZH') END AS hour,
                 pg_class.oid AS partition, relname AS name, relnamespace AS home
          FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
          WHERE inhparent = '{schema}.event'::regclass) AS partition;

-- Indexes an hour that is over; false where that is not possible now, or done. Readers go on
-- meanwhile; a row that is late for this very hour waits. Waits at most 100 ms for writers, and
-- whoever waits behind it no longer than that.
CREATE FUNCTION {schema}.close_hour(hour timestamptz) RETURNS boolean
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '100ms'
AS $function$
DECLARE
    self      oid;
    home      text;
    partition text := 'event_' || to_char(hour AT TIME ZONE 'UTC', 'YYYYMMDDHH24');
    field     text;
    usual     text;
BEGIN
    GET DIAGNOSTICS self = PG_ROUTINE_OID;
    SELECT nspname INTO STRICT home
        FROM pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid WHERE p.oid = self;
    IF hour <> date_trunc('hour', hour, 'UTC') OR hour + interval '1 hour' > now()
       OR to_regclass(format('%I.%I', home, partition)) IS NULL THEN
        RETURN false;
    END IF;
    -- Readers are let through; writers, and another replica that would close it too, are not.
    EXECUTE format('LOCK TABLE %I.%I IN SHARE ROW EXCLUSIVE MODE', home, partition);
    IF to_regclass(format('%I.%I', home, partition || '_words')) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE INDEX %1$I ON %3$I.%2$I USING gin (%3$I.word_hashes(payload))',
        partition || '_words', partition, home);
    EXECUTE format('CREATE INDEX %1$I ON %3$I.%2$I (trigger_name, logged_at DESC, event_id DESC)',
        partition || '_names', partition, home);
    -- Most rows have the hour's usual source and type, and are found among the newest soon.
    FOREACH field IN ARRAY ARRAY['source', 'trigger_type'] LOOP
        EXECUTE format('SELECT coalesce(mode() WITHIN GROUP (ORDER BY %3$I), '''') FROM %1$I.%2$I',
            home, partition, field) INTO usual;
        EXECUTE format('CREATE INDEX %1$I ON %3$I.%2$I (%4$I, logged_at DESC, event_id DESC) WHERE %4$I <> %5$L',
            concat_ws('_', partition, 'unusual', field), partition, home, field, usual);
    END LOOP;
    -- It is dropped whole soon after the sweep has erased its rows: what is freed in it before that
    -- is of no use to an hour that is over.
    EXECUTE format('ALTER TABLE %I.%I SET (
            autovacuum_vacuum_threshold = 2147483647, autovacuum_vacuum_insert_threshold = -1)',
        home, partition);
    -- What the planner knows of the words it knows from here.
    EXECUTE format('ANALYZE %I.%I', home, partition);
    -- What is being indexed just now is left to whoever does that.
    EXECUTE format(
        'DELETE FROM %1$I.waiting_word WHERE event_id IN (
            SELECT event_id FROM %1$I.waiting_word
            WHERE event_id >= %1$I.first_id($1) AND event_id < %1$I.first_id($1 + interval ''1 hour'')
            FOR UPDATE SKIP LOCKED)', home) USING hour;
    RETURN true;
END
$function$;

-- Indexes the words of rows that wait for it, the newest first, where there are ``at_least`` of
-- them; ``at_most`` at once. 0 where there is nothing to do, or another replica is at it; any other
-- number means that there may be more.
CREATE FUNCTION {schema}.index_words(at_least integer, at_most integer) RETURNS integer
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '100ms'
AS $function$
DECLARE
    self    oid;
    home    text;
    one     record;
    changed integer := 0;
    taken   uuid[];
BEGIN
    GET DIAGNOSTICS self = PG_ROUTINE_OID;
    SELECT nspname INTO STRICT home
        FROM pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid WHERE p.oid = self;
    PERFORM set_config('search_path', format('pg_catalog, %I, pg_temp', home), true);
    IF NOT pg_try_advisory_xact_lock(4773005, self::integer) THEN
        RETURN 0;
    END IF;
    -- Those of hours that are closed or gone since. Searches wait for this, too: see below.
    FOR one IN
        SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'recent_word'::regclass
            AND relname NOT IN (SELECT words FROM hours WHERE NOT is_closed)
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE %I.%I', home, one.name);
            changed := changed + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL; -- somebody is searching; it does no harm till later
        END;
    END LOOP;
    IF changed > 0 THEN
        RETURN changed;
    END IF;
    -- What is left of hours that are closed or gone.
    DELETE FROM waiting_word WHERE event_id < coalesce(
        (SELECT first_id FROM hours WHERE NOT is_closed ORDER BY first_id LIMIT 1),
        'ffffffff-ffff-ffff-ffff-ffffffffffff'); -- where every hour is closed
    SELECT array_agg(event_id) INTO taken
        FROM (SELECT event_id FROM waiting_word ORDER BY event_id DESC LIMIT at_most) AS waiting;
    IF coalesce(cardinality(taken), 0) < at_least THEN
        RETURN 0;
    END IF;
    FOR one IN
        SELECT first_id, end_id, words AS name FROM hours
        WHERE NOT is_closed AND to_regclass(words) IS NULL
            AND EXISTS (SELECT FROM unnest(taken) AS id WHERE id >= first_id AND id < end_id)
    LOOP
        -- A search that is planned knows the partitions of that moment, and sees what is committed
        -- when it begins to read: it is waited for, and others wait. So nothing else is done then.
        LOCK TABLE recent_word IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE %1$I.%2$I PARTITION OF %1$I.recent_word FOR VALUES FROM (%3$L) TO (%4$L)',
            home, one.name, one.first_id, one.end_id);
        -- Not added to in bites of its own: all at once, below, costs half as much.
        EXECUTE format('CREATE INDEX %I ON %I.%I USING gin (hashes) WITH (gin_pending_list_limit = 1000000)',
            one.name || '_hashes', home, one.name);
        changed := changed + 1;
    END LOOP;
    IF changed > 0 THEN
        RETURN changed;
    END IF;
    -- Before they are read: what replaces one of them from here on lets it wait again.
    DELETE FROM waiting_word WHERE event_id = ANY (taken);
    FOR one IN
        SELECT first_id, end_id, words AS name FROM hours
        WHERE NOT is_closed AND to_regclass(words) IS NOT NULL
    LOOP
        INSERT INTO recent_word
            SELECT event_id, word_hashes(payload) FROM event
            WHERE event_id = ANY (taken) AND event_id >= one.first_id AND event_id < one.end_id
                AND payload IS NOT NULL;
        PERFORM gin_clean_pending_list((one.name || '_hashes')::regclass);
    END LOOP;
    RETURN cardinality(taken);
END
$function$;

REVOKE ALL ON FUNCTION {schema}.close_hour, {schema}.index_words, {schema}.sum_up, {schema}.sums_of, {schema}.wait_for_index,
    {schema}.said, {schema}.word_hashes, {schema}.lateness_step, {schema}.first_id FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.said, {schema}.word_hashes, {schema}.lateness_step, {schema}.first_id
    TO {prefix}etp_retention, {prefix}etp_api;
GRANT EXECUTE ON FUNCTION {schema}.close_hour, {schema}.index_words, {schema}.sums_of TO {prefix}etp_retention;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.summary TO {prefix}etp_retention;
GRANT SELECT ON {schema}.hours TO {prefix}etp_retention, {prefix}etp_api;
GRANT SELECT ON {schema}.sums, {schema}.recent_words, {schema}.waiting_words TO {prefix}etp_api;
