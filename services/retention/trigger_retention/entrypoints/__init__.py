"""What calls the handlers: the subscriber, and the loop of the sweep."""
