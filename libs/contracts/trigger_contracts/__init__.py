"""What the services say to each other, and the pure rules they share.

Nothing in this package does I/O, reads a clock or imports a framework: instants and ids
are arguments. Services may depend on it; it depends on no service.
"""
