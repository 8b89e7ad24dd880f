"""PostgreSQL, where what is computed from the streams is kept.

``database`` is a pool; only what a call to the server raises counts as "away". ``migrations`` bring
a schema up to date, ``schema_version`` says whether that is one which a service works with,
``shadow`` puts one made anew in its place, ``positions`` tells how far it is.
"""
