"""Deliveries: what they cost, how fast and how late they are, and who waits for whom."""
