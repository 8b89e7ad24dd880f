"""Retention: projects the event log into PostgreSQL, and erases each row when its life is over.

Decides which view a row is in and when it is gone; decides nothing about triggers.
"""
