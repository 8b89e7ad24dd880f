"""Deliveries: what an attempt costs beside the client's own request."""
