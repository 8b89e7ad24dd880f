"""The web UI in a real browser: what a person waits for, and what a page costs that stays open."""
