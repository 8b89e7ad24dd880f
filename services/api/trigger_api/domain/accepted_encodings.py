"""What a client can read: ``Accept-Encoding`` as RFC 9110 means it (12.5.3). Pure."""

import re

_CODING = re.compile(
    r"""
    [ \t]* (?P<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]+) [ \t]*
    (?: ; [ \t]* [qQ] = (?P<weight> 0(?:\.[0-9]{0,3})? | 1(?:\.0{0,3})? ) [ \t]* )?
    """,
    re.VERBOSE | re.ASCII,
)
_GZIP = ("gzip", "x-gzip")


def prefers_gzip(accepted: bytes | None) -> bool:
    """Whether gzip may be sent, and is liked no less than what is not encoded.

    A coding that is not written as it should be is as good as not named.
    """
    if accepted is None:
        return False
    weights = _weights(accepted.decode("latin-1"))
    gzip = max((weights[name] for name in _GZIP if name in weights), default=weights.get("*", 0.0))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weights(accepted: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in accepted.split(","):
        coding = _CODING.fullmatch(part)
        if coding is not None:
            weight = coding["weight"]
            found[coding["name"].lower()] = 1.0 if weight is None else float(weight)
    return found
