"""What the deliver role decides from values alone: when an attempt may start, and what it changes.

No clock and no chance in here: instants and draws are arguments.
"""
