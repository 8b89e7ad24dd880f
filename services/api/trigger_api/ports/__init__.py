"""What the gateway's use cases need of the world, by owner: adapters have it, tests fake it."""
