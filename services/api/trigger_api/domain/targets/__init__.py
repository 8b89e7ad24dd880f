"""What the gateway says and asks of targets: pure."""
