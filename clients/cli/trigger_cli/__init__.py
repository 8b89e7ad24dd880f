"""What is asked of a gateway from a terminal, by HTTP and a key as any client does."""
