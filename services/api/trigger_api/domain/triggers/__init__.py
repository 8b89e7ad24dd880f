"""What a request about triggers means: creates, bulk bodies, fires, previews, conditions."""
