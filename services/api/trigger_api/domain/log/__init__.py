"""What may be asked of the log, and what is decided about its answers: filters, words, pages."""
