"""Every fault of a definition at once, so that its owner mends all of them together.

Asked where a definition was refused; a good one never comes here. The checks are those of
``definition``, ``schedule_fields`` and ``future``, each made by itself. A field that is wrong is
left out of what follows. Invariant: no fault is told twice, and none that is there because of
another one. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from pydantic import ValidationError

from .definition import (
    RULE_FIELDS,
    SCHEDULE_FIELDS,
    Definition,
    check_schema,
    misfits,
    parse_definition,
    pauses,
    plain,
)
from .errors import (
    MAX_REPORTED_ERRORS,
    Code,
    Problem,
    Refused,
    combined,
    from_validation,
    problem,
    refused,
)
from .schedule import AnySchedule
from .schedule_fields import checks, schedule_of

_FILLED: Mapping[str, Any] = {"name": "unnamed", "type": "scheduled"}
"""In the place of a required field that is wrong."""
_MISSING_FOR: Mapping[str, tuple[str, ...]] = {
    "schedule_time": RULE_FIELDS,
    "dst_policy": ("cron",),
}
"""What does not fit for want of one of these fields."""
_SOME_DATE = "2000-01-01"
"""In the place of an excluded date that is no text, so that the others keep their places."""


class Further(NamedTuple):
    """A check of the whole: made where none of these fields is wrong. Raises ``Refused``."""

    fields: frozenset[str]
    check: Callable[[Definition, AnySchedule | None], object]


Furthers = tuple[Further, ...]


def accepted(
    fields: Any, accepted_at: datetime, trigger_id: str | None = None, further: Furthers = ()
) -> tuple[Definition, AnySchedule | None]:
    """The definition in ``fields``, and the schedule that it means if accepted at ``accepted_at``.

    Raises ``Refused`` with every fault.
    """
    try:
        definition = parse_definition(fields)
        schedule = schedule_of(definition, accepted_at, trigger_id)
        for one in further:
            one.check(definition, schedule)
    except Refused as first:
        raise Refused(all_of(first, fields, accepted_at, further=further)) from None
    return definition, schedule


def all_of(
    first: Refused,
    fields: Any,
    accepted_at: datetime,
    *,
    stored: Definition | None = None,
    reads_schedule: bool = True,
    further: Furthers = (),
) -> Problem:
    """Every fault of ``fields``, of which ``first`` was met first.

    ``stored``: the definition that is to be edited; whether its schedule is read anew is
    ``reads_schedule``.
    """
    found = _Faults()
    if first.problem.code is Code.INVALID_SCHEMA:
        found.add(first.problem)  # It need not be compiled again.
    found.look_at(fields, accepted_at, stored, reads_schedule=reads_schedule, further=further)
    return combined(found.problems) if found.problems else first.problem


class _Faults:
    """The faults of one definition, as they are found."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._wrong: set[str] = set()
        """Fields, and elements of them as ``exclude/2``."""

    def look_at(
        self,
        fields: Any,
        accepted_at: datetime,
        stored: Definition | None,
        *,
        reads_schedule: bool,
        further: Furthers,
    ) -> None:
        for error in pauses(fields):
            self.add(problem(Code.PAUSE_NOT_SUPPORTED, error.message, [error]))
        definition = self._readable(fields)
        if definition is None:
            return
        definition = self._in_a_zone(definition)
        if stored is not None:
            self._try(("type",), partial(keeps_type, definition, stored))
        self._fit(definition)
        self._try(("payload_schema",), lambda: check_schema(definition, stored))
        if reads_schedule:
            self._schedule(definition, accepted_at)
        self._whole(definition, accepted_at, further, reads_schedule=reads_schedule)

    def _readable(self, fields: Any) -> Definition | None:
        """The definition without what is no field, or of no type that its field has."""
        if not isinstance(fields, dict):
            return self._validated(fields)
        rest = {name: value for name, value in fields.items() if name not in self._wrong}
        try:
            return Definition.model_validate(rest)
        except ValidationError as error:
            self.problems.append(from_validation(error))
            if error.error_count() > MAX_REPORTED_ERRORS:
                return None  # More than these would not be named.
            paths = [entry["loc"] for entry in _entries(error)]
            self._wrong.update("/".join(map(str, path)) for path in paths)
            return self._validated(_without(rest, paths))

    def _validated(self, fields: Any) -> Definition | None:
        try:
            return Definition.model_validate(fields)
        except ValidationError as error:
            if not self.problems:
                self.problems.append(from_validation(error))
            return None

    def _in_a_zone(self, definition: Definition) -> Definition:
        """The definition as it is read; in UTC where its zone is wrong."""
        try:
            return plain(definition)
        except Refused as refusal:
            self.add(refusal.problem)
            return plain(definition.model_copy(update={"timezone": "UTC"}))

    def _fit(self, definition: Definition) -> None:
        """What does not fit the kind of trigger; where that is not known, nothing."""
        if self._is_wrong("type"):
            return
        for error in list(misfits(definition)):
            field = error.pointer.removeprefix("/")
            # What is wrong was left out, and is missing for that alone.
            if not self._is_wrong(field, *_MISSING_FOR.get(field, ())):
                self.add(problem(Code.INVALID, error.message, [error]))

    def _schedule(self, definition: Definition, accepted_at: datetime) -> None:
        rules = [name for name in RULE_FIELDS if getattr(definition, name) is not None]
        unread = set(rules[1:])
        # Of a local time in a zone that is not known it is not known how far ahead it is.
        at = None if self._is_wrong("timezone") else accepted_at
        for fields, check in checks(definition, at):
            if not unread.intersection(fields):
                self._try(fields, check)

    def _whole(
        self,
        definition: Definition,
        accepted_at: datetime,
        further: Furthers,
        *,
        reads_schedule: bool,
    ) -> None:
        schedule = None
        if reads_schedule and not self._is_wrong(*SCHEDULE_FIELDS, "type"):
            schedule = self._try((), lambda: schedule_of(definition, accepted_at))
        for one in further:
            self._try(tuple(one.fields), partial(one.check, definition, schedule))

    def _try(self, fields: tuple[str, ...], check: Callable[[], Any]) -> Any:
        """What ``check`` returns; None where one of its ``fields`` is wrong, or it fails."""
        if self._is_wrong(*fields):
            return None
        try:
            return check()
        except Refused as refusal:
            self.add(refusal.problem)
            return None

    def add(self, found: Problem) -> None:
        self.problems.append(found)
        self._wrong.update(error.pointer.removeprefix("/") for error in found.errors)

    def _is_wrong(self, *fields: str) -> bool:
        """Whether any of them is, or lies within one that is, or has a part that is."""
        return any(
            wrong == field or wrong.startswith(f"{field}/") or field.startswith(f"{wrong}/")
            for wrong in self._wrong
            for field in fields
        )


def keeps_type(definition: Definition, stored: Definition) -> None:
    """Refuse to make a scheduled trigger of an api one, or the other way round."""
    if definition.type != stored.type:
        detail = f"a trigger keeps its type: delete this {stored.type} one and create another"
        raise refused(Code.INVALID, detail, pointer="/type")


def _entries(error: ValidationError) -> Iterable[Any]:
    return error.errors(include_url=False, include_input=False, include_context=False)


def _without(fields: Mapping[str, Any], paths: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    """The fields without what is at these paths; what of one can be told apart stays."""
    rest = dict(fields)
    for field, *within in paths:
        value = rest.get(str(field))
        if field == "exclude" and within and isinstance(value, list):
            rest["exclude"] = [_SOME_DATE if n == within[0] else v for n, v in enumerate(value)]
        elif field == "misfire" and within and isinstance(value, dict):
            rest["misfire"] = {name: v for name, v in value.items() if name != within[0]}
        elif field in _FILLED:
            rest[str(field)] = _FILLED[str(field)]
        else:
            rest.pop(str(field), None)
    return rest
