"""The header lines of a request, as RFC 9110 reads them (5.3, 5.5).

Blanks around a value are none of it. A field that decides what a request means is sent in one
line: of two, whichever were taken, the sender may have meant the other one. That holds for
conditions, too: they are lists, and a list stands in one line; where two lines come, two programs
each made a condition of their own, and neither knows the other's. Such a request is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from trigger_contracts.errors import Code, FieldError, Refused, problem


@dataclass(frozen=True, slots=True)
class _OneLine:
    name: str
    allowed: str
    """What its one line may hold."""


_TAGS = 'an entity tag such as "3", a list of them, or *'
_ONE_LINE = {
    b"authorization": _OneLine("Authorization", "Bearer and an API key"),
    b"content-encoding": _OneLine("Content-Encoding", "gzip or identity"),
    b"content-type": _OneLine("Content-Type", "one media type, such as application/json"),
    b"idempotency-key": _OneLine("Idempotency-Key", "1 to 255 printable ASCII characters"),
    b"if-match": _OneLine("If-Match", _TAGS),
    b"if-none-match": _OneLine("If-None-Match", _TAGS),
    b"last-event-id": _OneLine("Last-Event-ID", "the id of the last message that was seen"),
    b"x-api-key": _OneLine("X-API-KEY", "one API key"),
}
"""What is read here and may be sent once. ``Host``, ``Content-Length`` and ``Transfer-Encoding``
are the server's: it refuses two of them itself."""

_LISTS = frozenset({b"accept", b"accept-encoding", b"x-request-id"})
"""What is read here, and of which lines are one list: what is preferred changes nothing, and a
list of request ids is none of ours, and is replaced."""

_KEYS = frozenset({"Authorization", "X-API-KEY"})


@dataclass(frozen=True, slots=True)
class Head:
    """A request's header fields by name, and which of them it repeats."""

    fields: dict[bytes, bytes]
    repeated: tuple[_OneLine, ...]

    @property
    def has_one_key(self) -> bool:
        """Whether each way to send an API key is used once at most."""
        return _KEYS.isdisjoint(field.name for field in self.repeated)

    def check(self) -> None:
        """Raises ``Refused`` where a field is repeated that may be sent once."""
        if self.repeated:
            errors = [
                FieldError(
                    pointer=f"/header/{field.name}",
                    message=f"This header may be sent only once: {field.allowed}",
                )
                for field in self.repeated
            ]
            detail = f"sent more than once: {', '.join(field.name for field in self.repeated)}"
            raise Refused(problem(Code.INVALID, detail, errors))


def read(lines: Iterable[tuple[bytes, bytes]]) -> Head:
    """``lines`` with their names in lower case, as ASGI has them."""
    fields: dict[bytes, bytes] = {}
    repeated: dict[bytes, _OneLine] = {}
    for name, raw in lines:
        value = raw.strip(b" \t")
        if name in fields:
            if name in _ONE_LINE:
                repeated[name] = _ONE_LINE[name]
            elif name in _LISTS:
                value = fields[name] + b", " + value
        fields[name] = value
    return Head(fields, tuple(repeated.values()))
