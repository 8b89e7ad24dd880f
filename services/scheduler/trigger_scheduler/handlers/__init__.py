"""The scheduler's use cases: ports in, outcomes out; no framework and no wiring."""
