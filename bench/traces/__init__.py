"""What traces cost, in parts: what is asked of each event, apart from what is made of a sample."""
