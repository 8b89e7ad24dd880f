"""The executor: turns what is due and what is asked for into rows of the event log.

It consumes due records and fire commands and publishes fired, missed and rejected events.
It has no database and no memory worth keeping: its output is a function of its input
message and the trigger's definition, never of its own clock, so that doing the work twice
writes the same bytes under the same ids.
"""
