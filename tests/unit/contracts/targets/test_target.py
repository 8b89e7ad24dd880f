"""What each command does to a target: its versions, its secrets, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trigger_contracts.commands import CreateTarget, DeleteTarget, RotateTarget, UpdateTarget
from trigger_contracts.errors import Code, refused
from trigger_contracts.targets.changes import (
    TargetChangeKind,
    TargetStatus,
    representation,
    sealed_values,
)
from trigger_contracts.targets.fields import MASK, TargetDefinition
from trigger_contracts.targets.sealing import header_field, new_key, public_of, sealing_key
from trigger_contracts.targets.target import (
    ChangedTarget,
    Target,
    TargetCommand,
    decide,
)
from trigger_contracts.trigger import Rejected, Unchanged

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
KEY = sealing_key(public_of(new_key()))
WEBHOOK: dict[str, Any] = {"type": "webhook", "url": "https://a.example/hook"}
NATS: dict[str, Any] = {"type": "nats", "subject": "out.a"}


def sealed(secret: str = "whsec_x", field: str = "secret") -> str:
    return KEY.seal(secret, target_id="t", field=field)


def anything(_: TargetDefinition) -> None:
    """The rules of an operator who allows it all."""


def decided(
    command: TargetCommand, state: Target | None = None, now: datetime = NOON, **options: Any
) -> ChangedTarget | Unchanged | Rejected:
    options = {"rules": anything, **options}
    return decide(command, state, now, target_id="t", command_id=f"c{now:%H%M}", **options)


def changed(command: TargetCommand, state: Target | None = None, now: datetime = NOON) -> Target:
    decision = decided(command, state, now)
    assert isinstance(decision, ChangedTarget), decision
    return Target(decision.change, 1 if state is None else state.change_seq + 1)


def code(decision: ChangedTarget | Unchanged | Rejected) -> tuple[Code, list[str]]:
    assert isinstance(decision, Rejected), decision
    return decision.problem.code, [one.pointer for one in decision.problem.errors]


def created(**fields: Any) -> Target:
    secret = None if fields.get("type") == "nats" else sealed()
    return changed(CreateTarget(secret=secret, actor="key:k", **{**WEBHOOK, **fields}))


def test_a_create_makes_the_first_version_and_shows_no_secret() -> None:
    target = created(secret_headers={"Authorization": sealed(field="Authorization")})
    change = target.change
    assert (change.kind, change.version, change.status) == (
        TargetChangeKind.CREATED,
        1,
        TargetStatus.ACTIVE,
    )
    shown = representation(change)
    assert shown["secret_headers"] == {"Authorization": MASK}
    assert shown["secrets"] == [{"made_at": "2027-01-01T12:00:00Z", "expires_at": None}]
    assert "hpke1" not in str(shown)


def test_a_create_of_what_is_there_is_refused_and_of_what_was_deleted_counts_on() -> None:
    target = created()
    again = CreateTarget(secret=sealed(), **WEBHOOK)
    assert code(decided(again, target)) == (Code.TARGET_EXISTS, ["/target_id"])
    gone = changed(DeleteTarget(target_id="t"), target)
    assert gone.change.version == 2
    assert changed(again, gone).change.version == 3


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"secret": None}, (Code.SECRET_MUST_BE_SEALED, ["/secret"])),
        ({"secret": "whsec_plainest"}, (Code.SECRET_MUST_BE_SEALED, ["/secret"])),
        (
            {"secret_headers": {"X-A": "plainest"}},
            (Code.SECRET_MUST_BE_SEALED, ["/secret_headers/X-A"]),
        ),
        ({"secret_headers": {"X-A": MASK}}, (Code.INVALID, ["/secret_headers/X-A"])),
        ({"url": "http:nothing"}, (Code.INVALID, ["/url"])),
    ],
)
def test_no_secret_is_taken_in_the_clear(
    fields: dict[str, Any], expected: tuple[Code, list[str]]
) -> None:
    command = CreateTarget(**{"secret": sealed(), **WEBHOOK, **fields})
    assert code(decided(command)) == expected
    assert "plainest" not in str(decided(command))


def test_a_nats_target_has_no_secret() -> None:
    assert changed(CreateTarget(**NATS)).change.secrets == ()
    assert code(decided(CreateTarget(secret=sealed(), **NATS)))[1] == ["/secret"]
    target = changed(CreateTarget(**NATS))
    assert code(decided(RotateTarget(target_id="t", secret=sealed()), target))[0] is Code.INVALID


def test_what_an_operator_does_not_allow_is_refused_in_a_create_and_in_an_edit() -> None:
    def nothing(_: TargetDefinition) -> None:
        raise refused(Code.ADDRESS_NOT_ALLOWED, "no", pointer="/url")

    command = CreateTarget(secret=sealed(), **WEBHOOK)
    assert code(decided(command, rules=nothing))[0] is Code.ADDRESS_NOT_ALLOWED
    patch = UpdateTarget(target_id="t", patch={"url": "https://b.example"})
    assert code(decided(patch, created(), rules=nothing))[0] is Code.ADDRESS_NOT_ALLOWED


def test_a_patch_changes_what_it_names_and_a_null_takes_a_field_back_to_its_default() -> None:
    target = created(timeout=5, headers={"X-A": "1", "X-B": "2"}, ordered=True)
    patch = {"timeout": None, "headers": {"X-A": None, "X-C": "3"}, "name": "n"}
    edited = changed(UpdateTarget(target_id="t", patch=patch), target).change
    assert (edited.kind, edited.version) == (TargetChangeKind.UPDATED, 2)
    assert edited.definition.headers == {"X-B": "2", "X-C": "3"}
    assert (edited.definition.timeout, edited.definition.ordered) == (15, True)
    assert edited.secrets == target.change.secrets


def test_a_secret_header_that_is_written_as_it_was_read_keeps_its_value() -> None:
    values = {name: sealed(field=name) for name in ("X-A", "X-B")}
    target = created(secret_headers=values)
    read = representation(target.change)
    fields = {k: v for k, v in read.items() if k in TargetDefinition.model_fields}
    whole = UpdateTarget(target_id="t", definition=fields)
    assert isinstance(decided(whole, target), Unchanged)
    one = UpdateTarget(target_id="t", definition={**WEBHOOK, "secret_headers": {"x-a": MASK}})
    assert changed(one, target).change.definition.secret_headers == {"x-a": values["X-A"]}
    patch = UpdateTarget(target_id="t", patch={"secret_headers": {"X-B": None}})
    assert changed(patch, target).change.definition.secret_headers == {"X-A": values["X-A"]}
    other = UpdateTarget(target_id="t", patch={"secret_headers": {"X-C": MASK}})
    assert code(decided(other, target)) == (Code.INVALID, ["/secret_headers/X-C"])


def test_what_an_edit_may_not_change() -> None:
    target = created()
    for fields, pointer in (({"type": "nats"}, None), ({"secret": sealed()}, "/secret")):
        command = UpdateTarget(target_id="t", patch=fields)
        found, pointers = code(decided(command, target))
        assert found is Code.INVALID
        assert pointer is None or pointers == [pointer]
    whole = UpdateTarget(target_id="t", definition=NATS)
    assert code(decided(whole, target)) == (Code.INVALID, ["/type"])


@pytest.mark.parametrize(
    "command",
    [
        UpdateTarget(target_id="t", patch={"name": "n"}, expected_version=7),
        RotateTarget(target_id="t", secret=sealed(), expected_version=7),
        DeleteTarget(target_id="t", expected_version=7),
    ],
)
def test_another_version_and_no_target(command: TargetCommand) -> None:
    decision = decided(command, created())
    assert code(decision)[0] is Code.VERSION_MISMATCH
    assert isinstance(decision, Rejected)
    assert decision.problem.current_version == 1
    assert code(decided(command))[0] is Code.NOT_FOUND
    gone = changed(DeleteTarget(target_id="t"), created())
    assert code(decided(command, gone))[0] is Code.NOT_FOUND


def test_a_rotation_has_both_sign_and_the_new_one_first() -> None:
    target = created()
    (first,) = target.change.secrets
    second, third = sealed("2"), sealed("3")
    rotated = changed(RotateTarget(target_id="t", secret=second), target)
    assert [one.sealed for one in rotated.change.secrets] == [second, first.sealed]
    assert [one.expires_at for one in rotated.change.secrets] == [
        None,
        NOON + timedelta(hours=24),
    ]
    hour = NOON + timedelta(hours=1)
    again = changed(RotateTarget(target_id="t", secret=third, overlap="PT1H"), rotated, hour)
    # What was to end does not live longer by another rotation.
    assert [one.expires_at for one in again.change.secrets] == [
        None,
        hour + timedelta(hours=1),
        hour + timedelta(hours=1),
    ]
    at_once = changed(RotateTarget(target_id="t", secret=second, overlap=0), target)
    assert [one.sealed for one in at_once.change.secrets] == [second]


def test_of_previous_secrets_the_two_newest_stay_and_none_that_has_ended() -> None:
    target = created()
    for number in range(4):
        target = changed(RotateTarget(target_id="t", secret=sealed(str(number))), target)
    assert len(target.change.secrets) == 3
    later = NOON + timedelta(hours=25)
    edited = changed(UpdateTarget(target_id="t", patch={"name": "n"}), target, later)
    assert len(edited.change.secrets) == 1


@pytest.mark.parametrize("overlap", [-1, "P7DT1S", "soon", "P1M"])
def test_an_overlap_is_at_most_a_week(overlap: Any) -> None:
    command = RotateTarget(target_id="t", secret=sealed(), overlap=overlap)
    assert code(decided(command, created())) == (Code.INVALID, ["/overlap"])


@pytest.mark.parametrize(
    ("overlap", "length"),
    [
        (None, timedelta(hours=24)),
        (0, timedelta()),
        (0.5, timedelta(seconds=0.5)),
        ("P7D", timedelta(days=7)),
    ],
)
def test_an_overlap_is_from_nothing_to_a_week(overlap: Any, length: timedelta) -> None:
    command = RotateTarget(target_id="t", secret=sealed(), overlap=overlap)
    _, *previous = changed(command, created(), NOON).change.secrets
    assert [one.expires_at for one in previous] == ([NOON + length] if length else [])


def test_a_deleted_target_has_no_secret_any_more() -> None:
    target = created(secret_headers={"X-A": sealed(field="X-A")})
    gone = changed(DeleteTarget(target_id="t"), target).change
    assert gone.status is TargetStatus.DELETED
    assert "hpke1" not in gone.model_dump_json()
    assert not replace(target, change=gone).exists


def test_what_is_resealed_keeps_everything_but_its_key() -> None:
    old = changed(
        RotateTarget(target_id="t", secret=sealed("whsec_y")),
        created(secret_headers={"Authorization": sealed("token", "secret_headers/authorization")}),
    )
    values = dict(sealed_values(old.change))
    newest, previous = (one.sealed for one in old.change.secrets)
    header = values[header_field("Authorization")]
    other = sealing_key(public_of(new_key()))
    resealed = {
        one: other.seal("the same", target_id="t", field="f") for one in (newest, previous, header)
    }
    command = UpdateTarget(target_id="t", expected_version=2, resealed=resealed)
    new = changed(command, old, NOON + timedelta(hours=1)).change
    assert [one.sealed for one in new.secrets] == [resealed[newest], resealed[previous]]
    assert new.definition.secret_headers == {"Authorization": resealed[header]}
    kept = {"definition", "secrets", "kind", "version", "at", "actor", "command_id"}
    assert new.model_dump(exclude=kept) == old.change.model_dump(exclude=kept)
    lives = [(one.made_at, one.expires_at) for one in old.change.secrets]
    assert [(one.made_at, one.expires_at) for one in new.secrets] == lives
    assert (new.version, new.kind) == (3, TargetChangeKind.UPDATED)
    again = replace(old, change=new)
    repeated = UpdateTarget(target_id="t", resealed=resealed)
    assert decided(repeated, again) == Unchanged()


def test_what_is_resealed_must_be_sealed_and_the_version_as_expected() -> None:
    old = created()
    newest = old.change.secrets[0].sealed
    clear = UpdateTarget(target_id="t", resealed={newest: "whsec_in_the_clear"})
    assert code(decided(clear, old)) == (Code.SECRET_MUST_BE_SEALED, ["/resealed"])
    stale = UpdateTarget(target_id="t", expected_version=7, resealed={newest: sealed("whsec_z")})
    assert code(decided(stale, old)) == (Code.VERSION_MISMATCH, [])


def test_a_target_that_settings_no_longer_allow_is_resealed_all_the_same() -> None:
    """It leads where it did: nobody may be left with a secret that opens no more."""
    old = created()

    def nothing(_: TargetDefinition) -> None:
        raise refused(Code.ADDRESS_NOT_ALLOWED, "not any more", pointer="/url")

    command = UpdateTarget(
        target_id="t", resealed={old.change.secrets[0].sealed: sealed("whsec_z")}
    )
    assert isinstance(decided(command, old, rules=nothing), ChangedTarget)
