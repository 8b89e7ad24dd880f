"""Every subject of the platform, built in one place.

No user text ever enters a subject: the only variable tokens are validated ids
(``ids.ID_PATTERN``: no dot, wildcard, space or line break) and the fixed names below.
"""

import functools
import re
from enum import StrEnum


class Verb(StrEnum):
    """The imperative requests one can publish to ``trigger.command.<verb>``."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    TEST = "test"
    FIRE = "fire"
    CREATE_TARGET = "create-target"
    UPDATE_TARGET = "update-target"
    DELETE_TARGET = "delete-target"
    ROTATE_TARGET = "rotate-target"
    REDELIVER = "redeliver"
    CANCEL = "cancel"


class Service(StrEnum):
    """The four services; also the names of their NATS users and durable consumers."""

    API = "api"
    SCHEDULER = "scheduler"
    EXECUTOR = "executor"
    RETENTION = "retention"


ALL_COMMANDS = "trigger.command.*"
ALL_INGRESS = "trigger.ingress.*"
ALL_CHANGED = "trigger.changed.*"
ALL_TESTED = "trigger.tested.*"
"""Changes of tests that write a target out, whose address may be a secret: no external user hears
them, as none hears targets."""
ALL_TARGETS = "trigger.target.*"
ALL_DUE = "trigger.due.*"
ALL_FIRED = "trigger.fired.*"
ALL_MISSED = "trigger.missed.*"
ALL_REJECTED = "trigger.rejected.*"
ALL_DELIVERY = "trigger.delivery.*"
ALL_HEALTH = "trigger.health.*"
LOG_ROWS = (ALL_FIRED, ALL_MISSED, ALL_REJECTED)
"""The events that are rows of the log, and shown by live tails: what else comes to be stored beside
them is for others."""
ALL_EVENTS = (*LOG_ROWS, ALL_DELIVERY, ALL_HEALTH)
ALL_DEAD = "trigger.dead.>"

SWEPT = "trigger.retention.swept"
"""What a retention sweep erased. Core NATS: a notice, not part of the log."""

WAKE = "trigger.scheduler.wake"
"""Tells every scheduler replica that a trigger became due earlier than it may know. Core NATS."""

EXECUTOR_WAKE = "trigger.executor.wake"
"""Tells all who deliver which targets have something to send now. Core NATS: a hint."""

EXECUTOR_PROBE = "trigger.executor.probe"
"""Asks an executor that delivers for one attempt at a target. Core NATS, with a reply."""

ALL_ALIVE = "trigger.alive.*"
"""The heartbeats of all workers. Core NATS."""

REPLY_TO_HEADER = "reply_to"
"""Header that names the subject to which a command's result goes."""


def command(verb: Verb) -> str:
    return f"trigger.command.{verb}"


def ingress(verb: Verb) -> str:
    """Where a command of an external NATS user arrives, who published it as ``command(verb)``."""
    return f"trigger.ingress.{verb}"


def changed(trigger_id: str) -> str:
    return f"trigger.changed.{trigger_id}"


def tested(trigger_id: str) -> str:
    """The change of a test that writes a target out, in the place of ``changed``."""
    return f"trigger.tested.{trigger_id}"


def target(target_id: str) -> str:
    return f"trigger.target.{target_id}"


def due(trigger_id: str) -> str:
    return f"trigger.due.{trigger_id}"


def fired(trigger_id: str) -> str:
    return f"trigger.fired.{trigger_id}"


def missed(trigger_id: str) -> str:
    return f"trigger.missed.{trigger_id}"


def rejected(trigger_id: str) -> str:
    return f"trigger.rejected.{trigger_id}"


def delivery(trigger_id: str) -> str:
    """The records of the deliveries of a trigger's events."""
    return f"trigger.delivery.{trigger_id}"


def health(target_id: str) -> str:
    """That a target began to fail, or recovered."""
    return f"trigger.health.{target_id}"


def dead(service: Service, stream: str, letter_id: str) -> str:
    """One dead letter: whatever is published to it takes the place of what was there."""
    return f"trigger.dead.{service}.{stream}.{letter_id}"


def dead_letters(service: str = "*", stream: str = "*", letter_id: str = "*") -> str:
    """Dead letters: of a service, of a stream's messages, or one wherever it is."""
    return f"trigger.dead.{service}.{stream}.{letter_id}"


def dead_letter_tokens(subject: str) -> tuple[str, str, str]:
    """Service, stream and letter id in a dead letter's subject."""
    _, _, service, stream, letter_id = subject.split(".")
    return service, stream, letter_id


def redrive(service: Service) -> str:
    """Asks a service to handle one of its dead letters again. Core NATS, with a reply."""
    return f"trigger.redrive.{service}"


REDRIVE_DELIVERIES = "trigger.redrive.deliveries"
"""Asks an executor that delivers, about a command for those alone. Core NATS, with a reply."""


def alive(service: Service) -> str:
    """A worker's heartbeat: see ``heartbeats``."""
    return f"trigger.alive.{service}"


def inbox_prefix(user: str) -> str:
    """The reply space of one NATS user; nobody else may listen there."""
    return f"_INBOX_{user}"


@functools.cache
def _pattern(filters: tuple[str, ...]) -> re.Pattern[str]:
    tokens = {"*": r"[^.]+", ">": r".+"}
    return re.compile(
        "|".join(
            r"\.".join(tokens.get(token) or re.escape(token) for token in one.split("."))
            for one in filters
        )
    )


def matches(subject: str, filters: tuple[str, ...]) -> bool:
    """Whether one of the subjects, which may have wildcards, lets ``subject`` through."""
    return _pattern(filters).fullmatch(subject) is not None


RESULT_INBOXES = (inbox_prefix("api"), inbox_prefix("client"))
"""Only subjects under these may be named by ``reply_to``: a result reaches no other subject."""


def is_result_inbox(subject: str) -> bool:
    """Whether a result may be published to ``subject``: a plain subject under an allowed inbox."""
    return _RESULT_INBOX.fullmatch(subject) is not None


_RESULT_INBOX = re.compile(
    rf"(?:{'|'.join(map(re.escape, RESULT_INBOXES))})(?:\.[A-Za-z0-9_-]{{1,64}}){{1,8}}"
)
