"""What the lanes' loops say to schema ``executor``, each statement with its name.

Time is the server's: ``now()`` of a statement that is its own transaction. Who has a lane, and
what is reserved of its rate, is on the disk before anybody counts on it, though the projection's
commits need not be.
"""

PLANNING = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""Of the sessions that say them: by their indexes, whatever PostgreSQL knows of the tables. They
are planned once, for tables that are empty as often as not, and a hundred thousand rows may be
there long before somebody counts them."""

_DURABLY = "set_config('synchronous_commit', 'on', true)"
"""Of the transaction in which it is selected."""

_DELIVERY = """
    d.delivery_id::text, d.event_id::text, d.trigger_id, d.target_id, d.round, d.attempts,
    d.event_seq, d.logged_at, d.next_attempt_at, d.expires_at, d.is_test, d.change_seq"""

_TAKEN = """
), taken AS (
    UPDATE executor.lane l
    SET owner = $1, epoch = l.epoch + 1, lease_until = now() + $3::interval, is_asked = false
    FROM free WHERE l.target_id = free.target_id
    RETURNING l.target_id, l.epoch, l.state::text, free.is_asked,
              COALESCE(free.lease_until, now()) AS others_until
)
SELECT now() AS now, {next} AS next_wake_at, taken.*, {durably}
FROM (VALUES (1)) AS one LEFT JOIN taken ON true
"""

TAKE = """
WITH free AS MATERIALIZED (
    SELECT target_id, lease_until, is_asked FROM executor.lane
    WHERE owner IS NULL AND wake_at <= now()
    ORDER BY wake_at LIMIT $2
    FOR UPDATE SKIP LOCKED
""" + _TAKEN.format(
    next="(SELECT min(wake_at) FROM executor.lane WHERE owner IS NULL)", durably=_DURABLY
)
"""Lanes whose time has come and that nobody has. $1 owner, $2 most, $3 lease."""

TAKE_LOST = """
WITH free AS MATERIALIZED (
    SELECT target_id, lease_until, is_asked FROM executor.lane
    WHERE owner IS NOT NULL AND lease_until < now()
    LIMIT $2
    FOR UPDATE SKIP LOCKED
""" + _TAKEN.format(next="NULL::timestamptz", durably=_DURABLY)
"""Lanes whose owners' leases are over. As TAKE."""

RENEW = f"""
WITH held AS MATERIALIZED (
    SELECT l.target_id, l.is_asked, r.state
    FROM executor.lane l
    JOIN unnest($2::text[], $3::bigint[], $4::text[]) AS r(target_id, epoch, state)
        ON r.target_id = l.target_id AND r.epoch = l.epoch
    WHERE l.owner = $1
    ORDER BY l.target_id
    FOR UPDATE OF l
), renewed AS (
    UPDATE executor.lane l
    SET lease_until = now() + $5::interval, state = held.state::json, is_asked = false
    FROM held WHERE l.target_id = held.target_id
    RETURNING l.target_id, held.is_asked
)
SELECT now() AS now, renewed.*, {_DURABLY} FROM (VALUES (1)) AS one LEFT JOIN renewed ON true
"""
"""Hold lanes for longer. $1 owner, $2 targets, $3 epochs, $4 records, $5 lease."""

LOCK = f"""
SELECT l.target_id, {_DURABLY}
FROM executor.lane l
JOIN unnest($2::text[], $3::bigint[]) AS r(target_id, epoch)
    ON r.target_id = l.target_id AND r.epoch = l.epoch
WHERE l.owner = $1
ORDER BY l.target_id
FOR UPDATE OF l
"""
"""First of a release: what is planned from here on waits for it. $1 owner, $2 targets, $3 epochs.

By itself: the statement after it sees whatever was planned until the rows were locked.
"""

RELEASE = """
UPDATE executor.lane l
SET owner = NULL, lease_until = NULL, state = r.state::json,
    wake_at = CASE
        WHEN d.due_at IS NULL THEN NULL
        WHEN l.is_asked THEN now()
        ELSE least(greatest(d.due_at, r.opens_at), d.ends_at - $4::interval)
    END
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS r(target_id, state, opens_at)
CROSS JOIN LATERAL (
    SELECT (SELECT min(next_attempt_at) FROM executor.delivery
            WHERE target_id = r.target_id) AS due_at,
           (SELECT min(expires_at) FROM executor.delivery
            WHERE target_id = r.target_id) AS ends_at
) d
WHERE l.target_id = r.target_id
"""
"""Second of a release. $1 targets, $2 records, $3 when they open, $4 how long before the end of its
event's life a delivery has to have started."""

FORGET = """
DELETE FROM executor.lane
WHERE target_id = ANY($1::text[]) AND for_test AND owner IS NULL AND wake_at IS NULL
"""
"""Third of a release: nobody delivers to a test's own target again. $1 targets."""

_DUE = f"""
    (SELECT {_DELIVERY} FROM executor.delivery d
     WHERE a.choice = 'due' AND d.target_id = a.target_id AND d.next_attempt_at <= now()
     ORDER BY d.next_attempt_at LIMIT a.most)
    UNION ALL
    (SELECT {_DELIVERY} FROM executor.delivery d
     WHERE a.choice = 'fewest' AND d.target_id = a.target_id AND d.next_attempt_at <= now()
     ORDER BY d.attempts, d.next_attempt_at LIMIT a.most)
    UNION ALL
    (WITH RECURSIVE triggers AS (
         (SELECT t.trigger_id FROM executor.delivery t
          WHERE a.choice IN ('heads', 'fewest heads') AND t.target_id = a.target_id
          ORDER BY t.trigger_id LIMIT 1)
         UNION ALL
         (SELECT n.trigger_id FROM triggers p CROSS JOIN LATERAL (
              SELECT t.trigger_id FROM executor.delivery t
              WHERE t.target_id = a.target_id AND t.trigger_id > p.trigger_id
              ORDER BY t.trigger_id LIMIT 1
          ) n)
     )
     SELECT {_DELIVERY} FROM triggers CROSS JOIN LATERAL (
         SELECT * FROM executor.delivery h
         WHERE h.target_id = a.target_id AND h.trigger_id = triggers.trigger_id
         ORDER BY h.event_seq LIMIT 1
     ) d
     WHERE d.next_attempt_at <= now()
     ORDER BY CASE WHEN a.choice = 'heads' THEN 0 ELSE d.attempts END, d.next_attempt_at
     LIMIT a.most)
"""

DUE = f"""
SELECT now() AS now, p.seq AS position, a.place, d.*,
       (SELECT min(l.next_attempt_at) FROM executor.delivery l
        WHERE l.target_id = a.target_id AND l.next_attempt_at > now()) AS next_at,
       a.target_id AS asked
FROM executor.projection p
CROSS JOIN unnest($1::text[], $2::int[], $3::text[])
    WITH ORDINALITY AS a(target_id, most, choice, place)
LEFT JOIN LATERAL ({_DUE}) d ON true
"""
"""What is due of many lanes, and up to which record that is known. $1 targets, $2 most, $3 choices.

Heads are found by stepping from trigger to trigger: as many steps as triggers wait, not deliveries.
"""

EXPIRING = f"""
SELECT p.seq AS position, d.*
FROM executor.projection p
LEFT JOIN LATERAL (
    SELECT {_DELIVERY}
    FROM unnest($1::text[]) AS a(target_id)
    CROSS JOIN LATERAL (
        SELECT * FROM executor.delivery e
        WHERE e.target_id = a.target_id AND e.expires_at < $2
        ORDER BY e.expires_at LIMIT $3
    ) d
    ORDER BY d.expires_at LIMIT $3
) d ON true
"""
"""Deliveries whose events' lives end before $2, of the targets $1, at most $3."""

PENDING = f"""
SELECT p.seq AS position, d.*
FROM executor.projection p
LEFT JOIN LATERAL (
    SELECT {_DELIVERY} FROM executor.delivery d
    WHERE d.target_id = $1 AND d.delivery_id > $2::uuid
    ORDER BY d.delivery_id LIMIT $3
) d ON true
"""
"""Deliveries of the target $1 beyond the id $2, at most $3."""

WAKE = """
UPDATE executor.lane SET wake_at = now()
WHERE target_id = ANY($1::text[]) AND owner IS NULL AND wake_at > now()
"""
"""Have lanes taken that have something waiting. $1 targets."""

WAKE_CHANGED = """
UPDATE executor.lane l SET wake_at = now()
FROM unnest($1::text[], $2::int[]) AS r(target_id, version)
WHERE l.target_id = r.target_id AND l.owner IS NULL AND l.wake_at > now()
  AND (l.state ->> 'version')::int IS DISTINCT FROM r.version
"""
"""The same where their records know another version of the target. $1 targets, $2 versions."""
