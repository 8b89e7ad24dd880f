"""The header lines of a request, as RFC 9110 reads them (5.3, 5.5).

Blanks around a value are none of it. Lines of one name are one list, in their order, where the
field is a list; of a field that has one value a second line makes the request ambiguous: whichever
were taken, the sender may have meant the other one. Such a request is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from trigger_contracts.errors import Code, FieldError, Refused, problem

_SINGLE = {
    b"authorization": "Authorization",
    b"content-encoding": "Content-Encoding",
    b"content-length": "Content-Length",
    b"content-type": "Content-Type",
    b"idempotency-key": "Idempotency-Key",
    b"last-event-id": "Last-Event-ID",
    b"x-api-key": "X-API-KEY",
}
"""What is read here and has one value. (A body in two codings is not read, however it is said.)"""

_LISTS = frozenset({b"accept", b"if-match", b"if-none-match", b"x-request-id"})
"""What is read here and is a list; a list of request ids is none of ours, and is replaced."""

_KEYS = frozenset({"Authorization", "X-API-KEY"})


@dataclass(frozen=True, slots=True)
class Head:
    """See the module's docstring."""

    fields: dict[bytes, bytes]
    repeated: tuple[str, ...]

    @property
    def has_one_key(self) -> bool:
        """Whether each way to send an API key is used once at most."""
        return _KEYS.isdisjoint(self.repeated)

    def check(self) -> None:
        """Raises ``Refused`` where a field is repeated that has one value."""
        if self.repeated:
            errors = [
                FieldError(pointer=f"/header/{name}", message="This header may be sent only once")
                for name in self.repeated
            ]
            detail = f"sent more than once: {', '.join(self.repeated)}"
            raise Refused(problem(Code.INVALID, detail, errors))


def read(lines: Iterable[tuple[bytes, bytes]]) -> Head:
    """``lines`` with their names in lower case, as ASGI has them."""
    fields: dict[bytes, bytes] = {}
    repeated: dict[str, None] = {}
    for name, raw in lines:
        value = raw.strip(b" \t")
        if name in fields:
            if name in _SINGLE:
                repeated[_SINGLE[name]] = None
            elif name in _LISTS:
                value = fields[name] + b", " + value
        fields[name] = value
    return Head(fields, tuple(repeated))
