"""What a setting may be, in words: for the page of settings and for what is said at a start."""

from datetime import timedelta
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

_UNITS = (("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))
_DAYS_FROM = timedelta(days=3)
"""Shorter ones are said in hours, as everywhere else: 48 h, not 2 d."""


def choices(info: FieldInfo) -> tuple[str, ...]:
    """The texts that it may be; none where it is no choice."""
    return get_args(info.annotation) if get_origin(info.annotation) is Literal else ()


def bounds(info: FieldInfo) -> tuple[Any, Any]:
    """The least and the largest value, None for one that there is not."""
    low, high = (
        next((getattr(one, name) for one in info.metadata if hasattr(one, name)), None)
        for name in ("ge", "le")
    )
    return low, high


def shown(value: Any) -> str:
    """As it is written in an environment."""
    return _duration(value) if isinstance(value, timedelta) else str(value)


def is_among(annotation: Any, kind: type) -> bool:
    """Whether an annotation, or any part of it, is this type."""
    return annotation is kind or any(is_among(part, kind) for part in get_args(annotation))


def allowed(info: FieldInfo) -> str:
    """What it may be: its values where they can be counted, else what it means."""
    if texts := choices(info):
        *others, last = texts
        return f"{', '.join(others)} or {last}"
    if is_among(info.annotation, timedelta):
        return "a length of time such as 500ms, 30s, 2h or 1h30m" + _range(info)
    if is_among(info.annotation, int):
        return "a whole number" + _range(info)
    if is_among(info.annotation, float):
        return "a number" + _range(info)
    if is_among(info.annotation, bool):
        return "true or false"
    return (info.description or "").strip().rstrip(".")


def _range(info: FieldInfo) -> str:
    low, high = bounds(info)
    if low is not None and high is not None:
        return f" from {shown(low)} to {shown(high)}"
    if low is not None:
        return f", at least {shown(low)}"
    return "" if high is None else f", at most {shown(high)}"


def _duration(value: timedelta) -> str:
    """In the largest unit that gives a whole number."""
    if value >= _DAYS_FROM and not value % timedelta(days=1):
        return f"{value // timedelta(days=1)}d"
    for unit, length in _UNITS:
        if not value % length:
            return f"{value // length}{unit}"
    return f"{value // timedelta(milliseconds=1)}ms"
