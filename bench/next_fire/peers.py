"""The peers, each as its own documentation iterates: parsed once, the clock's zone given."""

from collections.abc import Callable
from datetime import datetime
from time import process_time
from zoneinfo import ZoneInfo

import croniter as croniter_package
from apscheduler.triggers.cron import CronTrigger
from cronsim import CronSim

from .walks import START, ZONE

LOCAL_START = START.astimezone(ZoneInfo(ZONE))


def cronsim(expression: str, occurrences: int) -> tuple[float, list[datetime]]:
    walk = CronSim(expression, LOCAL_START)
    return _walk(walk.__next__, occurrences)


def croniter(expression: str, occurrences: int) -> tuple[float, list[datetime]]:
    walk = croniter_package.croniter(expression, LOCAL_START, ret_type=datetime)
    return _walk(walk.get_next, occurrences)


def apscheduler(expression: str, occurrences: int) -> tuple[float, list[datetime]]:
    trigger = CronTrigger.from_crontab(expression, ZoneInfo(ZONE))
    previous, found = None, []
    began = process_time()
    for _ in range(occurrences):
        previous = trigger.get_next_fire_time(previous, previous or LOCAL_START)
        found.append(previous)
    return process_time() - began, found


def _walk(step: Callable[[], datetime], occurrences: int) -> tuple[float, list[datetime]]:
    began = process_time()
    found = [step() for _ in range(occurrences)]
    return process_time() - began, found
