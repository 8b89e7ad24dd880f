"""Fills the scheduler's tables by SQL with triggers that rest: in seconds what would take minutes.

They have rows and no message: their changes bear negative places, where no stream has any, so
that neither repair nor a create ever meets them. Good to lie there, never to be fired or read
by the gateway. ``filled-<number>`` is the id of each.
"""

from datetime import timedelta
from typing import Any

import asyncpg

SPREAD = timedelta(hours=24)
"""Over which their next occurrences lie, in another order than their rows: as in a table of age."""

_TRIGGERS = """
INSERT INTO scheduler.trigger
    (trigger_id, creation_id, version, status, is_test, type, name, labels, change_seq,
     created_at, updated_at, schedule, next_fire_at, cursor_at, due_seq, recorded_at,
     needs_completion)
SELECT 'filled-' || n, 'filled-' || n, 1, 'active', false, 'scheduled', 'filled ' || n, '{}', -n,
       now() - n * interval '1 ms', now(),
       '{"kind":"interval","anchor":"' || to_char(due, 'YYYY-MM-DD"T"HH24:MI:SS.USOF')
           || '","every":"P1D","fires_at_anchor":true,"ends_at":null}',
       due, now(), 0, now(), false
FROM generate_series($1::bigint, $2::bigint) AS n,
     LATERAL (SELECT now() + $3::interval
                     + (hashint8(n) & 65535) / 65536.0 * $4::interval) AS at (due)
"""

_CHANGES = """
INSERT INTO scheduler.change
    (change_seq, trigger_id, command_id, kind, version, status, is_test, actor, at, state)
SELECT -n, 'filled-' || n, 'filled-' || n, 'created', 1, 'active', false, 'bench', now(), '{}'
FROM generate_series($1::bigint, $2::bigint) AS n
"""


async def fill(
    database: "asyncpg.Connection[Any]", first: int, last: int, *, due_after: timedelta
) -> None:
    """Triggers number ``first`` to ``last``, due within ``SPREAD`` after ``due_after`` from now."""
    await database.execute(_TRIGGERS, first, last, due_after, SPREAD, timeout=600)
    await database.execute(_CHANGES, first, last, timeout=600)
