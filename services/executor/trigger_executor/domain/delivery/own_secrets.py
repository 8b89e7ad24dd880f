"""A target's secrets in the clear, for as long as it takes to make a request; and their masking.

A receiver may say anything in its answer, its own request included. What is kept of an answer is
read by people who may not know the secrets, so they are masked in each form in which they are
likely to be echoed. Pure.
"""

import base64
import binascii
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from trigger_contracts.targets.fields import MASK
from trigger_contracts.targets.secrets import PREFIX

_FOREIGN = re.compile(
    rf"(?P<signing>{PREFIX})[A-Za-z0-9+/=_-]+"
    r"|(?P<bearer>\bbearer(?:\s+|%20|\+))[A-Za-z0-9._~+/=%-]+",
    re.IGNORECASE,
)
"""Somebody's, by its form: another target's secret, or one that a receiver uses itself."""

_LEAST_CUT = 4
"""Characters of a secret that may be seen where what was read ends in its midst."""
_LONG_SEGMENT = 16
"""Characters from which a part of a path is taken for a secret of its own (as Slack's are)."""


@dataclass(frozen=True, slots=True, repr=False)
class OwnSecrets:
    """What a request is made with and nobody else may see.

    ``signing`` has the newest first, as Standard Webhooks writes them; ``headers`` the values of
    secret headers by name; ``path`` is the URL's path and query, by which many endpoints know
    their callers. ``forms`` are all that is masked, the longest first.
    """

    signing: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/"
    forms: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        forms = {form for text in self._texts() for form in _forms(text) if form}
        object.__setattr__(self, "forms", tuple(sorted(forms, key=len, reverse=True)))

    def mask(self, text: str) -> str:
        """``text`` without any secret, and without the beginning of one at its end."""
        for form in self.forms:
            text = text.replace(form, MASK)
        text = _FOREIGN.sub(_masked, text)
        cut = max((_overlap(text, form) for form in self.forms), default=0)
        return text[:-cut] + MASK if cut else text

    def _texts(self) -> Iterator[str]:
        for secret in self.signing:
            yield secret
            yield secret.removeprefix(PREFIX)
        for value in self.headers.values():
            yield value
            yield from _credentials(value)
        if self.path.strip("/"):
            yield self.path
            path, _, query = self.path.partition("?")
            yield from (part for part in (path, query) if len(part) >= _LONG_SEGMENT)
            yield from (part for part in path.split("/") if len(part) >= _LONG_SEGMENT)
            pairs = (pair.partition("=")[2] for pair in query.split("&"))
            yield from (value for value in pairs if len(value) >= _LEAST_CUT)


def _credentials(value: str) -> Iterator[str]:
    """What stands behind a scheme (``Bearer …``); of ``Basic …`` also what that encodes."""
    scheme, _, rest = value.partition(" ")
    rest = rest.strip()
    if not rest:
        return
    yield rest
    if scheme.lower() != "basic":
        return
    try:
        opened = base64.b64decode(rest, validate=True).decode()
    except (ValueError, binascii.Error):
        return
    yield opened
    yield opened.partition(":")[2]


def _forms(text: str) -> Iterable[str]:
    escaped = json.dumps(text)[1:-1]
    return (
        text,
        escaped,
        escaped.replace("/", "\\/"),
        # As Go writes JSON.
        escaped.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
        html.escape(text),
        quote(text, safe=""),
        quote_plus(text),
    )


def _masked(match: re.Match[str]) -> str:
    return (match["signing"] or match["bearer"]) + MASK


def _overlap(text: str, secret: str) -> int:
    """How many of the last characters of ``text`` are the first of ``secret``, if so many that one
    could tell.
    """
    start = text.find(secret[:_LEAST_CUT], max(0, len(text) - len(secret) + 1))
    while start >= 0:
        if secret.startswith(text[start:]):
            return len(text) - start
        start = text.find(secret[:_LEAST_CUT], start + 1)
    return 0
