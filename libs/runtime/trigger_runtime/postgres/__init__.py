"""PostgreSQL, where what is computed from the streams is kept: a pool, migrations, positions.

Only what a call to the server raises counts as "away" (``database``).
"""
