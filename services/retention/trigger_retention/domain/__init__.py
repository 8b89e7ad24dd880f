"""Pure: what a message of the log says, and which hour of the log it belongs to."""
