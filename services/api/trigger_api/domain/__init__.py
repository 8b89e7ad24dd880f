"""The gateway's own rules, pure: keys, conditions, cursors, queries and what is shown."""
