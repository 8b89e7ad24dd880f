"""The SQL that reads the log: lists, counts, exports, over the same tables and filters."""
