"""Deliveries of events to targets: what may be asked about them, and what is shown."""
