"""Every statement the scheduler says to PostgreSQL, named. Arrays go in, rows come out.

Tables are found by the session's search path, so a rebuild says the same to its shadow.

``statement_timestamp()`` and not ``clock_timestamp()`` bounds the claim: only a stable
function lets the planner walk ``trigger_due`` from its beginning.
"""

PLANNING = {"plan_cache_mode": "force_custom_plan"}
"""Every session's settings: a plan is made for each execution, in about 80 µs, by the tables' true
size. One that is kept may have been made for a few triggers, when reading the whole table was
cheapest, and goes on doing that while a hundred thousand are created: 0.7 s for HOLD."""

NOW = "SELECT clock_timestamp()"

_ROW = """t.trigger_id, t.creation_id, t.version, t.change_seq, t.schedule, t.next_fire_at,
    t.cursor_at, t.due_seq, t.due_stored_at, t.fires"""

CLAIM = f"""
SELECT {_ROW}, statement_timestamp() AS taken_at
FROM trigger t
WHERE t.next_fire_at <= statement_timestamp() + $1::interval
ORDER BY t.next_fire_at
LIMIT $2
FOR UPDATE SKIP LOCKED
"""

EARLIEST = """
SELECT clock_timestamp() AS now,
    (SELECT next_fire_at FROM trigger
     WHERE next_fire_at > statement_timestamp() + $1::interval
     ORDER BY next_fire_at LIMIT 1) AS earliest
"""

OVERDUE = """
SELECT clock_timestamp() AS now,
    (SELECT count(*) FROM (
        SELECT FROM trigger WHERE next_fire_at <= statement_timestamp() LIMIT $1) AS due) AS count
"""

OLDEST_DUE = f"""
SELECT {_ROW}
FROM trigger t
WHERE t.next_fire_at <= statement_timestamp()
ORDER BY t.next_fire_at
LIMIT $1
"""

ADVANCE = """
UPDATE trigger t
SET next_fire_at = u.next_fire_at, cursor_at = u.cursor_at, due_seq = u.due_seq,
    due_stored_at = u.due_stored_at, fires = u.fires,
    needs_completion = (u.next_fire_at IS NULL AND t.schedule IS NOT NULL
                        AND t.status = 'active')
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::timestamptz[],
            $6::int[])
     AS u (trigger_id, next_fire_at, cursor_at, due_seq, due_stored_at, fires)
WHERE t.trigger_id = u.trigger_id
"""

# Locked in the order of ids, so that two holders of many never wait for each other. The changes
# are read by a second statement: a row that was awaited is seen as it is now, but whatever it is
# joined with as it was before, and the join would lose it.
HOLD = f"""
SELECT {_ROW}
FROM trigger t
WHERE t.trigger_id = ANY ($1::text[])
ORDER BY t.trigger_id
FOR UPDATE
"""

CLAIM_COMPLETIONS = f"""
SELECT {_ROW}
FROM trigger t
WHERE t.needs_completion
ORDER BY t.trigger_id
LIMIT $1
FOR UPDATE SKIP LOCKED
"""

CLAIM_CHECKPOINTS = f"""
SELECT {_ROW}
FROM trigger t
WHERE t.fires > t.recorded_fires AND t.recorded_at < $1
ORDER BY t.recorded_at
LIMIT $2
FOR UPDATE SKIP LOCKED
"""

STATES = "SELECT change_seq, state FROM change WHERE change_seq = ANY ($1::bigint[])"

INSERT_CHANGES = """
INSERT INTO change
    (change_seq, trigger_id, command_id, kind, version, status, is_test, actor, at, state)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[],
                     $7::boolean[], $8::text[], $9::timestamptz[], $10::json[])
ON CONFLICT (change_seq) DO NOTHING
"""

# What creators use is counted with what it is made of, in the same statement.
UPSERT_TRIGGERS = """
WITH projected AS (
INSERT INTO trigger AS t
    (trigger_id, creation_id, version, status, is_test, type, name, labels, change_seq,
     created_at, updated_at, schedule, next_fire_at, cursor_at, due_seq, due_stored_at,
     fires, recorded_fires, recorded_at, created_by, fires_a_day, versions, needs_completion)
SELECT u.trigger_id, u.creation_id, u.version, u.status, u.is_test, u.type, u.name,
       ARRAY(SELECT json_array_elements_text(u.labels)), u.change_seq, u.created_at, u.updated_at,
       u.schedule, u.next_fire_at, u.cursor_at, u.due_seq, u.due_stored_at,
       u.fires, u.recorded_fires, u.recorded_at, u.created_by, u.fires_a_day, 1,
       u.status = 'active' AND u.schedule IS NOT NULL AND u.next_fire_at IS NULL
FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::boolean[], $6::text[], $7::text[],
            $8::json[], $9::bigint[], $10::timestamptz[], $11::timestamptz[], $12::text[],
            $13::timestamptz[], $14::timestamptz[], $15::bigint[], $16::timestamptz[],
            $17::int[], $18::int[], $19::timestamptz[], $20::text[], $21::bigint[])
     AS u (trigger_id, creation_id, version, status, is_test, type, name, labels, change_seq,
           created_at, updated_at, schedule, next_fire_at, cursor_at, due_seq, due_stored_at,
           fires, recorded_fires, recorded_at, created_by, fires_a_day)
ON CONFLICT (trigger_id) DO UPDATE
SET creation_id = EXCLUDED.creation_id, version = EXCLUDED.version, status = EXCLUDED.status,
    is_test = EXCLUDED.is_test, type = EXCLUDED.type, name = EXCLUDED.name,
    labels = EXCLUDED.labels, change_seq = EXCLUDED.change_seq, created_at = EXCLUDED.created_at,
    updated_at = EXCLUDED.updated_at, schedule = EXCLUDED.schedule,
    next_fire_at = EXCLUDED.next_fire_at, cursor_at = EXCLUDED.cursor_at,
    due_seq = EXCLUDED.due_seq, due_stored_at = EXCLUDED.due_stored_at,
    fires = EXCLUDED.fires, recorded_fires = EXCLUDED.recorded_fires,
    recorded_at = EXCLUDED.recorded_at, created_by = EXCLUDED.created_by,
    fires_a_day = EXCLUDED.fires_a_day, versions = t.versions + 1,
    superseded_at = coalesce(t.superseded_at, EXCLUDED.updated_at),
    needs_completion = EXCLUDED.needs_completion
WHERE t.change_seq < EXCLUDED.change_seq
RETURNING old.created_by AS old_creator, new.created_by AS new_creator,
    (old.status = 'active' AND NOT old.is_test)::int AS old_triggers,
    (new.status = 'active' AND NOT new.is_test)::int AS new_triggers,
    old.fires_a_day AS old_fires, new.fires_a_day AS new_fires
),
moved (created_by, triggers, fires_a_day) AS (
SELECT new_creator, new_triggers, new_fires FROM projected
UNION ALL
SELECT old_creator, -old_triggers, -old_fires FROM projected WHERE old_creator IS NOT NULL
)
INSERT INTO usage AS used (created_by, triggers, fires_a_day)
SELECT created_by, sum(triggers), sum(fires_a_day) FROM moved
GROUP BY created_by
HAVING sum(triggers) <> 0 OR sum(fires_a_day) <> 0
ORDER BY created_by
ON CONFLICT (created_by) DO UPDATE
SET triggers = used.triggers + EXCLUDED.triggers,
    fires_a_day = used.fires_a_day + EXCLUDED.fires_a_day
"""

USAGE = "SELECT created_by, triggers, fires_a_day FROM usage"

TABLE_SIZE = "SELECT pg_relation_size('trigger')"

COUNT_TYPES = """
SELECT type, count(*) AS triggers FROM trigger
WHERE status = 'active' AND NOT is_test GROUP BY type
"""

# How many there are is known; of which type they are, as ANALYZE last saw it in the whole table.
ESTIMATE_TYPES = """
SELECT type, round(share * (SELECT coalesce(sum(triggers), 0) FROM usage))::bigint AS triggers
FROM pg_stats, unnest(most_common_vals::text::text[], most_common_freqs) AS of (type, share)
WHERE schemaname = current_schema() AND tablename = 'trigger' AND attname = 'type'
"""

# Whatever is found here has a version to erase: one whose versions are all too new would be
# found again and again, in the place of others.
LONG_HISTORIES = """
SELECT trigger_id FROM trigger
WHERE trigger_id IN (
    (SELECT trigger_id FROM trigger
     WHERE versions > greatest($1::int, 1) AND superseded_at < $3 LIMIT $4)
    UNION
    (SELECT trigger_id FROM trigger WHERE superseded_at < $2 ORDER BY superseded_at LIMIT $4)
    LIMIT $4)
ORDER BY trigger_id
FOR UPDATE SKIP LOCKED
"""

ERASABLE_VERSIONS = """
WITH version AS (
    SELECT trigger_id, change_seq, row_number() OVER newer AS place,
           lag(at) OVER newer AS superseded_at
    FROM change WHERE trigger_id = ANY ($1::text[])
    WINDOW newer AS (PARTITION BY trigger_id ORDER BY change_seq DESC))
SELECT trigger_id, max(change_seq) AS change_seq FROM version
WHERE place > 1 AND (place > $2 OR superseded_at < $3) AND superseded_at < $4
GROUP BY trigger_id
"""

ERASE_VERSIONS = """
WITH erased AS (
    DELETE FROM change c
    USING unnest($1::text[], $2::bigint[]) AS u (trigger_id, change_seq)
    WHERE c.trigger_id = u.trigger_id AND c.change_seq <= u.change_seq
    RETURNING c.command_id, c.at)
INSERT INTO answer (command_id, problem, answered_at)
SELECT command_id, $3::json, at FROM erased WHERE at > $4
ON CONFLICT (command_id) DO UPDATE SET problem = EXCLUDED.problem, change_seq = NULL
"""

# What is counted while it is projected, counted anew.
COUNT_VERSIONS = """
UPDATE trigger t
SET versions = kept.versions, superseded_at = kept.superseded_at
FROM (SELECT trigger_id, count(*) AS versions,
             (array_agg(at ORDER BY change_seq))[2] AS superseded_at
      FROM change WHERE trigger_id = ANY ($1::text[]) GROUP BY trigger_id) AS kept
WHERE t.trigger_id = kept.trigger_id
"""

FORGET_TRIGGERS = "DELETE FROM trigger WHERE trigger_id = ANY ($1::text[])"
FORGET_CHANGES = "DELETE FROM change WHERE trigger_id = ANY ($1::text[])"

ACCEPTED = """
SELECT DISTINCT ON (command_id) command_id, change_seq, state
FROM change WHERE command_id = ANY ($1::text[])
ORDER BY command_id, change_seq DESC
"""

ANSWERED = """
SELECT a.command_id, a.problem, a.change_seq, a.answered_at, c.state
FROM answer a LEFT JOIN change c USING (change_seq)
WHERE a.command_id = ANY ($1::text[])
"""

REMEMBER = """
INSERT INTO answer (command_id, change_seq, problem, answered_at)
SELECT u.command_id, u.change_seq, u.problem, $4
FROM unnest($1::text[], $2::bigint[], $3::json[]) AS u (command_id, change_seq, problem)
ON CONFLICT (command_id) DO NOTHING
"""

FORGET_ANSWERS = "DELETE FROM answer WHERE answered_at < $1"

PREVIOUS = """
SELECT change_seq, state FROM change
WHERE trigger_id = $1 AND change_seq < $2 ORDER BY change_seq DESC LIMIT 1
"""

CHANGE_SEQS = """
SELECT trigger_id, change_seq FROM trigger WHERE trigger_id = ANY ($1::text[])
"""

TRY_LEAD = "SELECT pg_try_advisory_xact_lock(hashtextextended('scheduler.' || $1, 0))"
POSITION = "SELECT coalesce(max(change_seq), 0) FROM projection"
# Of so many at once: with gaps in the log it is asked for each page, and must not count all
# that follow each time.
PROJECTED_UP_TO = """
SELECT CASE WHEN count(*) = max(change_seq) - $1 THEN max(change_seq) ELSE $1 END
FROM (SELECT change_seq FROM change WHERE change_seq > $1 AND at < $2
      ORDER BY change_seq LIMIT 10000) AS following
"""
MOVE_POSITION = """
INSERT INTO projection AS p (change_seq) VALUES ($1)
ON CONFLICT (one) DO UPDATE SET change_seq = EXCLUDED.change_seq
WHERE p.change_seq < EXCLUDED.change_seq
"""

ERASABLE = """
SELECT trigger_id, change_seq FROM trigger
WHERE status IN ('completed', 'deleted') AND updated_at < $1
ORDER BY updated_at LIMIT $2
FOR UPDATE SKIP LOCKED
"""

# With a parameter: a statement without one keeps its first plan for ever.
ERASURE_OVERDUE = """
SELECT clock_timestamp() - $1::interval - min(updated_at) AS overdue FROM trigger
WHERE status IN ('completed', 'deleted')
"""
