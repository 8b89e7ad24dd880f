"""Every statement about targets that the scheduler says to PostgreSQL; see ``statements``."""

# As ``statements.HOLD``: in the order of ids, and their changes by a second statement.
HOLD = """
SELECT target_id, change_seq FROM target WHERE target_id = ANY ($1::text[])
ORDER BY target_id
FOR UPDATE
"""

# Who names a target keeps it from being deleted meanwhile, and nobody else from naming it.
HOLD_NAMED = """
SELECT target_id FROM target WHERE target_id = ANY ($1::text[]) AND status = 'active'
ORDER BY target_id
FOR SHARE
"""

STATES = """
SELECT change_seq, state FROM target_change WHERE change_seq = ANY ($1::bigint[])
"""

COUNT = "SELECT count(*) FROM target WHERE status = 'active' AND $1::boolean"

# Of each that is asked for: how many name it, and the first of them by name.
NAMED_BY = """
SELECT u.target_id, named.count, named.names
FROM unnest($1::text[]) AS u (target_id), LATERAL (
    SELECT count(*) AS count, (array_agg(name ORDER BY name))[1:$2] AS names
    FROM (
        SELECT t.name FROM trigger_target n JOIN trigger t USING (trigger_id)
        WHERE n.target_id = u.target_id
        UNION ALL
        SELECT coalesce(t.name, t.target_id) FROM target t
        WHERE t.alert_target = u.target_id AND t.status = 'active'
            AND t.target_id <> u.target_id) AS naming) AS named
WHERE named.count > 0
"""

INSERT_CHANGES = """
INSERT INTO target_change (change_seq, target_id, command_id, kind, version, actor, at, state)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[],
                     $7::timestamptz[], $8::json[])
ON CONFLICT (change_seq) DO NOTHING
"""

UPSERT = """
INSERT INTO target AS t
    (target_id, version, status, type, name, place, alert_target, change_seq, created_at,
     updated_at)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::bigint[], $9::timestamptz[], $10::timestamptz[])
ON CONFLICT (target_id) DO UPDATE
SET version = EXCLUDED.version, status = EXCLUDED.status, type = EXCLUDED.type,
    name = EXCLUDED.name, place = EXCLUDED.place, alert_target = EXCLUDED.alert_target,
    change_seq = EXCLUDED.change_seq, created_at = EXCLUDED.created_at,
    updated_at = EXCLUDED.updated_at
WHERE t.change_seq < EXCLUDED.change_seq
"""

ACCEPTED = """
SELECT DISTINCT ON (command_id) command_id, change_seq, state
FROM target_change WHERE command_id = ANY ($1::text[])
ORDER BY command_id, change_seq DESC
"""

ANSWERED = """
SELECT a.command_id, a.problem, a.target_seq AS change_seq, c.state
FROM answer a LEFT JOIN target_change c ON c.change_seq = a.target_seq
WHERE a.command_id = ANY ($1::text[])
"""

REMEMBER = """
INSERT INTO answer (command_id, target_seq, problem, answered_at)
SELECT u.command_id, u.target_seq, u.problem, $4
FROM unnest($1::text[], $2::bigint[], $3::json[]) AS u (command_id, target_seq, problem)
ON CONFLICT (command_id) DO NOTHING
"""

CHANGE_SEQS = "SELECT target_id, change_seq FROM target WHERE target_id = ANY ($1::text[])"

POSITION = "SELECT coalesce(max(target_seq), 0) FROM projection"
MOVE_POSITION = """
INSERT INTO projection AS p (change_seq, target_seq) VALUES (0, $1)
ON CONFLICT (one) DO UPDATE SET target_seq = EXCLUDED.target_seq
WHERE p.target_seq < EXCLUDED.target_seq
"""

ERASABLE = """
SELECT target_id, change_seq FROM target
WHERE status = 'deleted' AND updated_at < $1
ORDER BY updated_at LIMIT $2
FOR UPDATE SKIP LOCKED
"""

# The newest change of a target always stays; the versions of a history are read, and no more.
ERASABLE_VERSIONS = """
WITH version AS (
    SELECT target_id, change_seq, row_number() OVER newer AS place,
           lag(at) OVER newer AS superseded_at
    FROM target_change
    WINDOW newer AS (PARTITION BY target_id ORDER BY change_seq DESC))
SELECT target_id, max(change_seq) AS change_seq FROM version
WHERE place > 1 AND (place > $1 OR superseded_at < $2)
GROUP BY target_id
LIMIT $3
"""

ERASE_VERSIONS = """
WITH erased AS (
    DELETE FROM target_change c
    USING unnest($1::text[], $2::bigint[]) AS u (target_id, change_seq)
    WHERE c.target_id = u.target_id AND c.change_seq <= u.change_seq
    RETURNING c.command_id, c.at)
INSERT INTO answer (command_id, problem, answered_at)
SELECT command_id, $3::json, at FROM erased WHERE at > $4
ON CONFLICT (command_id) DO UPDATE SET problem = EXCLUDED.problem, target_seq = NULL
"""

FORGET_TARGETS = "DELETE FROM target WHERE target_id = ANY ($1::text[])"
FORGET_CHANGES = "DELETE FROM target_change WHERE target_id = ANY ($1::text[])"

# What each trigger names as of this change, unless a newer one is there.
UNNAME = """
DELETE FROM trigger_target n
USING unnest($1::text[], $2::bigint[]) AS u (trigger_id, change_seq)
JOIN trigger t USING (trigger_id, change_seq)
WHERE n.trigger_id = u.trigger_id
"""
NAME = """
INSERT INTO trigger_target (trigger_id, target_id)
SELECT u.trigger_id, u.target_id
FROM unnest($1::text[], $2::bigint[], $3::text[]) AS u (trigger_id, change_seq, target_id)
JOIN trigger t USING (trigger_id, change_seq)
ON CONFLICT DO NOTHING
"""
FORGET_NAMES = "DELETE FROM trigger_target WHERE trigger_id = ANY ($1::text[])"
