"""Deliveries: records and what they amount to."""
