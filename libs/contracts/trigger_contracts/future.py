"""Whether a schedule has a future: an occurrence to come, and not too far away.

Asked wherever a trigger is armed: when it is created, edited, tested or previewed. Pure.
"""

from datetime import UTC, datetime

from .cron import Cron
from .definition import Definition
from .errors import Code, Refused, refused
from .schedule import HORIZON, AnySchedule, Interval, Limited, Once, max_fires_of, rule_of


def must_fire(
    definition: Definition, schedule: AnySchedule | None, armed_from: datetime, fires: int = 0
) -> None:
    """Refuse a schedule without an occurrence after ``armed_from``, or only one too far away.

    ``fires`` is how often it has fired, where that is limited. Raises ``Refused``.
    """
    if schedule is None:
        return
    limit = max_fires_of(schedule)
    if limit is not None and fires >= limit:
        detail = f"must be more than {fires}: so often it has fired already"
        raise refused(Code.INVALID, detail, pointer="/max_fires")
    rule = rule_of(schedule)
    first = schedule.next_after(armed_from)
    # Jitter makes nothing that has passed come again.
    if first is None or (isinstance(rule, Once) and rule.at <= armed_from):
        raise _without_future(schedule, armed_from)
    if first - armed_from > HORIZON:
        detail = f"fires first at {_text(first)}: at most {HORIZON.days} days ahead"
        field = "cron" if definition.cron is not None else "interval"
        raise refused(Code.SCHEDULE_BEYOND_HORIZON, detail, pointer=f"/{field}")


def _without_future(schedule: AnySchedule, armed_from: datetime) -> Refused:
    """Which of its fields leaves a schedule no occurrence after ``armed_from``."""
    after = armed_from.isoformat(timespec="milliseconds")
    limited = schedule if isinstance(schedule, Limited) else Limited(rule=schedule)
    rule, ends_at = limited.rule, limited.ends_at
    if isinstance(rule, Interval):
        ends_at = ends_at or rule.ends_at
        rule = rule.model_copy(update={"ends_at": None})
    if rule.next_after(armed_from) is None:
        if isinstance(rule, Cron):
            detail = f"never fires after {after} in {rule.timezone}"
            return refused(Code.CRON_NEVER_FIRES, detail, pointer="/cron")
        detail = f"must be later than {after}"
        return refused(Code.SCHEDULE_IN_PAST, detail, pointer="/schedule_time")
    endless = Limited(rule=rule, shift=limited.shift, starts_at=limited.starts_at)
    first = endless.next_after(armed_from)
    if first is None:
        return refused(Code.INVALID, "leaves no occurrence", pointer="/starts_at")
    if ends_at is not None and first > ends_at:
        detail = f"must not be earlier than the first occurrence after {after}, {_text(first)}"
        return refused(Code.SCHEDULE_IN_PAST, detail, pointer="/ends_at")
    return refused(Code.INVALID, f"leaves no occurrence after {after}", pointer="/exclude")


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
