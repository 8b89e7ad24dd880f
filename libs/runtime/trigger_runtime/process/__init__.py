"""What every process of ours has: settings, log lines, metrics, loops, a clock and ids.

Nothing here speaks to another program.
"""
