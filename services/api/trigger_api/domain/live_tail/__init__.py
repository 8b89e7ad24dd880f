"""Where a reader of the growing log is, what is kept for readers, and how it is written to them."""
