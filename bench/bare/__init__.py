"""The bare minimum of the platform's work: the same hops with no domain, written to be compared."""
