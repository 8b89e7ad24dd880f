"""Whose certificates are believed: the system's authorities, or those that a target names instead.

Verification is never off, and nothing switches it off.
"""

import ssl
from collections import OrderedDict
from hashlib import sha256

from trigger_contracts.targets.certificates import authorities_in

MAX_CONTEXTS = 256
"""Of targets with authorities of their own; one takes about 1.4 ms to make."""


class Trust:
    """TLS contexts, made when they are first asked for."""

    def __init__(self, max_contexts: int = MAX_CONTEXTS) -> None:
        self._max_contexts = max_contexts
        self._system: ssl.SSLContext | None = None
        self._own: OrderedDict[bytes, ssl.SSLContext] = OrderedDict()

    def context(self, ca: str | None) -> ssl.SSLContext:
        """The one that trusts what ``ca`` (PEM) holds, and nothing else; the system's without it.

        The same one for the same text: connections are reused within a context. Raises
        ``ssl.SSLError`` for what cannot be read.
        """
        if ca is None:
            if self._system is None:
                self._system = ssl.create_default_context()
            return self._system
        key = sha256(ca.encode()).digest()
        context = self._own.get(key)
        if context is None:
            context = self._own[key] = _trusting(ca)
        self._own.move_to_end(key)
        while len(self._own) > self._max_contexts:
            self._own.popitem(last=False)
        return context


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        # As the check of the field read them: of PEM, OpenSSL takes less.
        context = ssl.create_default_context(cadata=authorities_in(ca))
    except ValueError as error:
        raise ssl.SSLError(str(error)) from None
    # A certificate that is named is trusted, whoever signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
