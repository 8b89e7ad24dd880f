"""The target: what a command does to one, decided without any I/O.

As ``trigger_contracts.trigger`` does it for triggers: instants are arguments, the scheduler
appends what is returned under the condition that nobody else changed the target meanwhile. What
other targets and triggers have to do with it is the scheduler's to say, in its transaction.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trigger_contracts import payloads
from trigger_contracts.commands import CreateTarget, DeleteTarget, RotateTarget, UpdateTarget
from trigger_contracts.errors import (
    Code,
    FieldError,
    Problem,
    Refused,
    pointer,
    problem,
    refused,
    version_mismatch,
)
from trigger_contracts.instants import parse_duration
from trigger_contracts.trigger import Rejected, Unchanged

from .changes import SigningSecret, TargetChanged, TargetChangeKind, TargetStatus
from .fields import MASK, TargetDefinition, check_patch, no_secret, parse_target
from .sealing import is_sealed
from .url import parse_url

TargetCommand = CreateTarget | UpdateTarget | RotateTarget | DeleteTarget

MAX_TARGETS = 10_000
RESERVED_IDS = frozenset({"sealing-key"})
"""What stands in the place of an id in an address of the REST interface."""
MAX_NAMES = 20
"""Of those that name a target, so many are told."""
MAX_PREVIOUS_SECRETS = 2
DEFAULT_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)

Rules = Callable[[TargetDefinition], None]
"""What an operator's settings allow: raises ``Refused`` for an address or a subject that they do
not (``url.check_url``, ``nats_subjects.check_subject``)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target as its log has it: the newest change, and where it stands there."""

    change: TargetChanged
    change_seq: int

    @property
    def exists(self) -> bool:
        return self.change.status is not TargetStatus.DELETED


@dataclass(frozen=True, slots=True)
class ChangedTarget:
    """The command takes effect: append this change."""

    change: TargetChanged


Decision = ChangedTarget | Unchanged | Rejected


def decide(
    command: TargetCommand,
    state: Target | None,
    now: datetime,
    *,
    target_id: str,
    command_id: str,
    rules: Rules,
) -> Decision:
    """What ``command`` means for the target ``target_id`` as it stands."""
    try:
        match command:
            case CreateTarget():
                return _create(command, state, now, target_id, command_id, rules)
            case UpdateTarget():
                return _update(command, state, now, command_id, rules)
            case RotateTarget():
                return _rotate(command, state, now, command_id)
            case DeleteTarget():
                return _delete(command, state, now, command_id)
    except Refused as refusal:
        return Rejected(refusal.problem)


def _create(
    command: CreateTarget,
    state: Target | None,
    now: datetime,
    target_id: str,
    command_id: str,
    rules: Rules,
) -> Decision:
    if target_id in RESERVED_IDS:
        raise refused(Code.INVALID, "the platform uses this id itself", pointer="/target_id")
    if state is not None and state.exists:
        raise refused(Code.TARGET_EXISTS, f"the target {target_id} exists", pointer="/target_id")
    definition = accepted(command.definition, rules)
    if definition.alert_target == target_id:
        detail = "a target is not told of itself"
        raise refused(Code.INVALID, detail, pointer="/alert_target")
    _must_be_sealed(definition.secret_headers)
    secrets: tuple[SigningSecret, ...] = ()
    if definition.type == "webhook":
        if command.secret is None:
            detail = "a webhook needs a secret to be signed with, sealed to the platform's key"
            raise refused(Code.SECRET_MUST_BE_SEALED, detail, pointer="/secret")
        secrets = (_new_secret(command.secret, now),)
    elif command.secret is not None:
        raise refused(Code.INVALID, "a nats target has none", pointer="/secret")
    return ChangedTarget(
        TargetChanged(
            kind=TargetChangeKind.CREATED,
            target_id=target_id,
            creation_id=command_id,
            command_id=command_id,
            # Counting on where a deleted target ended keeps its old ETags stale.
            version=1 if state is None else state.change.version + 1,
            status=TargetStatus.ACTIVE,
            definition=definition,
            secrets=secrets,
            actor=command.actor,
            at=now,
            created_at=now,
            created_by=command.actor,
        )
    )


def accepted(fields: Mapping[str, Any], rules: Rules) -> TargetDefinition:
    """The definition in ``fields``; raises ``Refused``, also where settings do not allow it."""
    return parse_target(fields, rules)


def _update(
    command: UpdateTarget,
    state: Target | None,
    now: datetime,
    command_id: str,
    rules: Rules,
) -> Decision:
    old = _existing(state, command.target_id, command.expected_version)
    if command.resealed is not None:
        return _reseal(command, command.resealed, old, now, command_id)
    given = command.definition if command.patch is None else command.patch
    no_secret(given)
    fields: Any = command.definition
    if command.patch is not None:
        check_patch(command.patch)
        fields = payloads.merge(old.definition.model_dump(exclude_defaults=True), command.patch)
    definition = parse_target(fields)
    if definition.type != old.definition.type:
        detail = f"a target keeps its type: delete this {old.definition.type} one, create another"
        raise refused(Code.INVALID, detail, pointer="/type")
    kept = old.definition.secret_headers
    definition = definition.model_copy(
        update={"secret_headers": dict(_secret_values(definition.secret_headers, kept))}
    )
    _must_be_sealed(definition.secret_headers)
    if definition == old.definition:
        return Unchanged()
    if definition.alert_target == command.target_id:
        detail = "a target is not told of itself"
        raise refused(Code.INVALID, detail, pointer="/alert_target")
    rules(definition)
    return ChangedTarget(_next(old, TargetChangeKind.UPDATED, command, now, command_id, definition))


def _reseal(
    command: UpdateTarget,
    resealed: Mapping[str, str],
    old: TargetChanged,
    now: datetime,
    command_id: str,
) -> Decision:
    """Whether settings would allow the target today is not asked: it leads where it did."""
    if not all(map(is_sealed, resealed.values())):
        detail = "a secret is published sealed: GET /targets/sealing-key"
        raise refused(Code.SECRET_MUST_BE_SEALED, detail, pointer="/resealed")
    headers = {
        name: resealed.get(value, value) for name, value in old.definition.secret_headers.items()
    }
    secrets = tuple(
        one.model_copy(update={"sealed": resealed.get(one.sealed, one.sealed)})
        for one in old.secrets
    )
    if headers == old.definition.secret_headers and secrets == old.secrets:
        return Unchanged()
    definition = old.definition.model_copy(update={"secret_headers": headers})
    changed = old.model_copy(update={"secrets": secrets})
    return ChangedTarget(
        _next(changed, TargetChangeKind.UPDATED, command, now, command_id, definition)
    )


def _rotate(
    command: RotateTarget, state: Target | None, now: datetime, command_id: str
) -> Decision:
    old = _existing(state, command.target_id, command.expected_version)
    if old.definition.type != "webhook":
        raise refused(Code.INVALID, "a nats target has no secret", pointer="/target_id")
    newest, *previous = old.secrets
    ends = now + overlap_of(command.overlap)
    still = [
        one.model_copy(update={"expires_at": min(ends, one.expires_at or ends)})
        for one in (newest, *previous)
    ]
    valid = [one for one in still if one.expires_at is not None and one.expires_at > now]
    secrets = (_new_secret(command.secret, now), *valid[:MAX_PREVIOUS_SECRETS])
    change = _next(old, TargetChangeKind.ROTATED, command, now, command_id, old.definition)
    return ChangedTarget(change.model_copy(update={"secrets": secrets}))


def overlap_of(given: str | float | None) -> timedelta:
    """For how long the present secret goes on signing; raises ``Refused``."""
    if given is None:
        return DEFAULT_OVERLAP
    try:
        overlap = parse_duration(given)
    except ValueError as error:
        raise refused(Code.INVALID, str(error), pointer="/overlap") from None
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise refused(Code.INVALID, "must be 0 to 7 days", pointer="/overlap")
    return overlap


def _delete(
    command: DeleteTarget, state: Target | None, now: datetime, command_id: str
) -> Decision:
    old = _existing(state, command.target_id, command.expected_version)
    forgotten = old.definition.model_copy(
        update={"secret_headers": dict.fromkeys(old.definition.secret_headers, MASK)}
    )
    change = _next(old, TargetChangeKind.DELETED, command, now, command_id, forgotten)
    return ChangedTarget(change.model_copy(update={"status": TargetStatus.DELETED, "secrets": ()}))


def in_use(target_id: str, names: Sequence[str], count: int) -> Problem:
    """The refusal to delete a target that triggers, or other targets, name."""
    more = "" if count <= len(names) else f" and {count - len(names)} more"
    return problem(
        Code.TARGET_IN_USE,
        f"the target {target_id} is named by {', '.join(names)}{more}: edit or delete these first",
    )


def too_many() -> Problem:
    """The refusal of one target more than there may be."""
    return problem(Code.QUOTA_EXCEEDED, f"there are {MAX_TARGETS} targets, and may be no more")


def unknown_targets(missing: Sequence[tuple[str, str]]) -> Problem:
    """The refusal of what names no targets: each with the pointer of its place."""
    errors = [
        FieldError(pointer=place, message=f"there is no target {target_id}")
        for place, target_id in missing
    ]
    return problem(Code.UNKNOWN_TARGET, errors[0].message, errors)


def missing_of(named: Sequence[str], existing: Collection[str]) -> list[tuple[str, str]]:
    """Of the targets that a trigger names, those that there are not: each with its pointer."""
    return [
        (f"/targets/{place}", target_id)
        for place, target_id in enumerate(named)
        if target_id not in existing
    ]


def place_of(definition: TargetDefinition) -> str:
    """Where a target's events go, as far as that may be shown: a path may be a secret."""
    if definition.url is not None:
        return parse_url(definition.url).origin
    return definition.subject or ""


def _existing(state: Target | None, target_id: str, expected_version: int | None) -> TargetChanged:
    if state is None or not state.exists:
        raise refused(Code.NOT_FOUND, f"there is no target {target_id}")
    current = state.change.version
    if expected_version is not None and expected_version != current:
        detail = f"version {expected_version} was expected, the target is at {current}"
        raise version_mismatch(detail, current)
    return state.change


def _next(
    old: TargetChanged,
    kind: TargetChangeKind,
    command: TargetCommand,
    now: datetime,
    command_id: str,
    definition: TargetDefinition,
) -> TargetChanged:
    return old.model_copy(
        update={
            "kind": kind,
            "command_id": command_id,
            "version": old.version + 1,
            "definition": definition,
            # What has ended signs nothing any more, and need not be kept.
            "secrets": tuple(
                one for one in old.secrets if one.expires_at is None or one.expires_at > now
            ),
            "actor": command.actor,
            "at": now,
        }
    )


def _secret_values(given: Mapping[str, str], kept: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each secret header with its value, the old one where it is only masked."""
    by_name = {name.lower(): value for name, value in kept.items()}
    for name, value in given.items():
        yield name, by_name.get(name.lower(), value) if value == MASK else value


def _must_be_sealed(given: Mapping[str, str]) -> None:
    errors = [
        FieldError(
            pointer=pointer(("secret_headers", name)),
            message="there is no value to keep"
            if value == MASK
            else "a secret is published sealed: GET /targets/sealing-key",
        )
        for name, value in given.items()
        if not is_sealed(value)
    ]
    if errors:
        code = (
            Code.INVALID if any(v == MASK for v in given.values()) else Code.SECRET_MUST_BE_SEALED
        )
        raise Refused(problem(code, errors[0].message, errors))


def _new_secret(sealed: str, now: datetime) -> SigningSecret:
    if not is_sealed(sealed):
        detail = "a secret is published sealed: GET /targets/sealing-key"
        raise refused(Code.SECRET_MUST_BE_SEALED, detail, pointer="/secret")
    return SigningSecret(sealed=sealed, made_at=now)
