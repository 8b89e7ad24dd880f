"""The scheduler: what a trigger is now, what is due, what was missed.

It decides commands into changes and due rows into due records. Any number of replicas
share the work through row locks in PostgreSQL and expected sequences at the broker.
"""
