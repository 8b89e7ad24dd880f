"""The event log at full size: filled, closed, arrived at, asked, taken along and expired."""
