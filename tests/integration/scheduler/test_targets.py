"""Targets by NATS: what makes one, what triggers have to do with it, and what a crash leaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.integration.scheduler.conftest import Platform
from tests.support.eventually import eventually
from trigger_contracts import subjects, topology
from trigger_contracts.events import TriggerChanged
from trigger_contracts.subjects import Verb
from trigger_contracts.targets.changes import TargetChanged
from trigger_contracts.targets.sealing import new_key, public_of, sealing_key
from trigger_runtime.process.ids import new_id
from trigger_scheduler.bootstrap import Scheduler

KEY = sealing_key(public_of(new_key()))
NATS: dict[str, Any] = {"type": "nats", "subject": "out.a"}


def sealed(target_id: str = "t", field: str = "secret") -> str:
    return KEY.seal("whsec_" + "A" * 32, target_id=target_id, field=field)


def webhook(**fields: Any) -> dict[str, Any]:
    return {"type": "webhook", "url": "https://a.example/hook", "secret": sealed(), **fields}


@pytest.fixture
async def scheduler(platform: Platform) -> AsyncIterator[Scheduler]:
    async with platform.scheduler() as running:
        yield running


async def made(platform: Platform, **fields: Any) -> str:
    answer = await platform.ask(Verb.CREATE_TARGET, **(fields or NATS))
    assert "target_id" in answer, answer
    target_id: str = answer["target_id"]
    return target_id


def code(answer: dict[str, Any]) -> tuple[str, list[str]]:
    return answer["code"], [one["pointer"] for one in answer.get("errors", [])]


async def changes(platform: Platform, target_id: str) -> list[TargetChanged]:
    found = await platform.stored(topology.TARGETS.name, subjects.target(target_id))
    return [TargetChanged.model_validate_json(body) for body in found]


@pytest.mark.usefixtures("scheduler")
async def test_a_target_is_made_edited_rotated_and_deleted(platform: Platform) -> None:
    answer = await platform.ask(Verb.CREATE_TARGET, **webhook(target_id="hook", name="n"))
    assert (answer["target_id"], answer["version"]) == ("hook", 1)
    assert answer["target"]["url"] == "https://a.example/hook"
    assert "hpke1" not in json.dumps(answer)
    edited = await platform.ask(Verb.UPDATE_TARGET, target_id="hook", patch={"timeout": 5})
    assert (edited["version"], edited["target"]["timeout"]) == (2, 5)
    rotated = await platform.ask(Verb.ROTATE_TARGET, target_id="hook", secret=sealed())
    assert (rotated["version"], len(rotated["target"]["secrets"])) == (3, 2)
    gone = await platform.ask(Verb.DELETE_TARGET, target_id="hook", expected_version=3)
    assert (gone["version"], gone["target"]) == (4, None)
    again = await platform.ask(Verb.DELETE_TARGET, target_id="hook")
    assert code(again) == ("not-found", [])
    kinds = [one.kind.value for one in await changes(platform, "hook")]
    assert kinds == ["created", "updated", "rotated", "deleted"]


@pytest.mark.usefixtures("scheduler")
async def test_faults_are_answered_with_their_pointers(platform: Platform) -> None:
    for verb, body, expected in (
        (Verb.CREATE_TARGET, {"type": "nats"}, ("invalid", ["/subject"])),
        (Verb.CREATE_TARGET, webhook(secret="plain"), ("secret-must-be-sealed", ["/secret"])),
        (Verb.CREATE_TARGET, webhook(url="https://127.1/"), ("address-not-allowed", ["/url"])),
        (
            Verb.CREATE_TARGET,
            {"type": "nats", "subject": "trigger.fired.x"},
            ("subject-not-allowed", ["/subject"]),
        ),
        (Verb.CREATE_TARGET, {**NATS, "target_id": "a.b"}, ("invalid", ["/target_id"])),
        (
            Verb.CREATE_TARGET,
            {**NATS, "alert_target": "nobody"},
            ("unknown-target", ["/alert_target"]),
        ),
        (Verb.UPDATE_TARGET, {"target_id": "none", "patch": {}}, ("not-found", [])),
        (Verb.UPDATE_TARGET, {"target_id": "none"}, ("invalid", ["/patch"])),
        (Verb.ROTATE_TARGET, {"target_id": "none"}, ("invalid", ["/secret"])),
    ):
        assert code(await platform.ask(verb, **body)) == expected, body
    assert await platform.stored(topology.TARGETS.name, subjects.ALL_TARGETS) == []


@pytest.mark.usefixtures("scheduler")
async def test_an_operator_allows_what_the_default_refuses(platform: Platform) -> None:
    answer = await platform.ask(Verb.CREATE_TARGET, **webhook(url="http://127.0.0.1:9000/"))
    assert "ETP_WEBHOOK_ALLOW" in answer["detail"]


async def test_what_settings_allow_is_accepted(platform: Platform) -> None:
    allowed = {"webhook_allow": "127.0.0.1:9000, hooks.internal", "target_subjects": "orders.>"}
    async with platform.scheduler(**allowed):
        for fields in (
            webhook(url="http://127.0.0.1:9000/"),
            webhook(url="http://hooks.internal/x"),
            {"type": "nats", "subject": "orders.paid"},
        ):
            await made(platform, **fields)
        refused = await platform.ask(Verb.CREATE_TARGET, **NATS)
        assert code(refused)[0] == "subject-not-allowed"


@pytest.mark.usefixtures("scheduler")
async def test_a_repeated_command_has_the_same_answer(platform: Platform) -> None:
    for verb, body in (
        (Verb.CREATE_TARGET, {**NATS, "target_id": "t"}),
        (Verb.UPDATE_TARGET, {"target_id": "t", "patch": {"name": "n"}}),
        (Verb.UPDATE_TARGET, {"target_id": "t", "patch": {"name": "n"}}),
        (Verb.UPDATE_TARGET, {"target_id": "t", "patch": {"concurrency": 0}}),
        (Verb.DELETE_TARGET, {"target_id": "t"}),
    ):
        command = {**body, "command_id": new_id()}
        first = await platform.ask(verb, **command)
        assert await platform.ask(verb, **command) == first
    assert [one.version for one in await changes(platform, "t")] == [1, 2, 3]


@pytest.mark.usefixtures("scheduler")
async def test_a_trigger_names_targets_that_there_are(platform: Platform) -> None:
    first, second = await made(platform), await made(platform)
    api = {"name": "a", "type": "api"}
    answer = await platform.ask(Verb.CREATE, **api, targets=[first, "nobody", second, "none"])
    assert code(answer) == ("unknown-target", ["/targets/1", "/targets/3"])
    answer = await platform.ask(Verb.CREATE, **api, targets=[first, first])
    assert code(answer) == ("invalid", ["/targets/1"])
    answer = await platform.ask(Verb.CREATE, **api, targets=[first] * 9)
    assert code(answer)[1] == ["/targets"]
    answer = await platform.ask(Verb.CREATE, **api, targets=[first, second])
    assert answer["trigger"]["targets"] == [first, second]
    patch = {"targets": ["nobody"]}
    edited = await platform.ask(Verb.UPDATE, trigger_id=answer["trigger_id"], patch=patch)
    assert code(edited) == ("unknown-target", ["/targets/0"])


@pytest.mark.usefixtures("scheduler")
async def test_a_target_that_is_named_cannot_be_deleted(platform: Platform) -> None:
    target = await made(platform)
    named = {"type": "api", "targets": [target]}
    trigger = (await platform.ask(Verb.CREATE, name="names it", **named))["trigger_id"]
    other = await made(platform, **NATS, name="told of", alert_target=target)
    refused = await platform.ask(Verb.DELETE_TARGET, target_id=target)
    assert code(refused) == ("target-in-use", [])
    assert "names it" in refused["detail"]
    assert "told of" in refused["detail"]
    await platform.ask(Verb.UPDATE_TARGET, target_id=other, patch={"alert_target": None})
    await platform.ask(Verb.UPDATE, trigger_id=trigger, patch={"targets": []})
    gone = await platform.ask(Verb.DELETE_TARGET, target_id=target)
    assert gone["target"] is None
    back = await platform.ask(Verb.UPDATE, trigger_id=trigger, patch={"targets": [target]})
    assert code(back) == ("unknown-target", ["/targets/0"])


@pytest.mark.usefixtures("scheduler")
async def test_of_many_that_name_a_target_twenty_are_told(platform: Platform) -> None:
    target = await made(platform)
    await asyncio.gather(
        *(
            platform.ask(Verb.CREATE, name=f"n-{n:02}", type="api", targets=[target])
            for n in range(23)
        )
    )
    refused = await platform.ask(Verb.DELETE_TARGET, target_id=target)
    assert "n-00, n-01" in refused["detail"]
    assert "n-20" not in refused["detail"]
    assert "3 more" in refused["detail"]


@pytest.mark.usefixtures("scheduler")
async def test_a_deleted_trigger_and_a_test_keep_no_target(platform: Platform) -> None:
    target = await made(platform)
    trigger = await platform.ask(Verb.CREATE, name="a", type="api", targets=[target])
    await platform.ask(Verb.TEST, type="api", targets=[target])
    await platform.ask(Verb.DELETE, trigger_id=trigger["trigger_id"])
    assert (await platform.ask(Verb.DELETE_TARGET, target_id=target))["target"] is None


@pytest.mark.usefixtures("scheduler")
async def test_what_is_sent_together_is_decided_in_its_order(platform: Platform) -> None:
    api = {"name": "a", "type": "api", "targets": ["t"]}
    answers = await asyncio.gather(
        platform.ask(Verb.CREATE_TARGET, **NATS, target_id="t"),
        *(platform.ask(Verb.CREATE, **api, trigger_id=f"x-{n}") for n in range(5)),
        platform.ask(Verb.DELETE_TARGET, target_id="t"),
    )
    assert [one.get("code") for one in answers] == [None] * 6 + ["target-in-use"]


async def test_a_change_that_a_crash_left_unprojected_is_found(platform: Platform) -> None:
    """In the log and not in the index: as if the scheduler was killed before its commit."""
    async with platform.scheduler(loops=False):
        target = await made(platform)
        await platform.ask(Verb.UPDATE_TARGET, target_id=target, patch={"name": "edited"})
        async with platform.database.connected() as connection:
            await connection.execute("DELETE FROM scheduler.target")
            await connection.execute("DELETE FROM scheduler.target_change")
        # A trigger may name it all the same, and an edit goes on from it.
        trigger = await platform.ask(Verb.CREATE, name="a", type="api", targets=[target])
        assert trigger["trigger"]["targets"] == [target]
        async with platform.database.connected() as connection:
            await connection.execute("DELETE FROM scheduler.target")
            await connection.execute("DELETE FROM scheduler.target_change")
        edit = {"target_id": target, "patch": {"concurrency": 3}, "expected_version": 2}
        edited = await platform.ask(Verb.UPDATE_TARGET, **edit)
        assert (edited["version"], edited["target"]["name"]) == (3, "edited")


async def test_the_projector_finds_it_by_itself(platform: Platform) -> None:
    async with platform.scheduler(loops=False):
        target = await made(platform)
        async with platform.database.connected() as connection:
            await connection.execute("DELETE FROM scheduler.target")
            await connection.execute("DELETE FROM scheduler.target_change")

    async def projected() -> bool:
        async with platform.database.connected() as connection:
            found = await connection.fetchval("SELECT target_id FROM scheduler.targets")
        return bool(found == target)

    async with platform.scheduler():
        await eventually(projected, within=20, what="the target is in the view")


async def test_what_is_in_the_log_answers_for_a_command_whose_commit_was_lost(
    platform: Platform,
) -> None:
    async with platform.scheduler(loops=False):
        command = {**NATS, "target_id": "t", "command_id": "c-1"}
        first = await platform.ask(Verb.CREATE_TARGET, **command)
        async with platform.database.connected() as connection:
            await connection.execute("DELETE FROM scheduler.target")
            await connection.execute("DELETE FROM scheduler.target_change")
        assert await platform.ask(Verb.CREATE_TARGET, **command) == first
    assert len(await changes(platform, "t")) == 1


async def test_deleted_targets_and_old_versions_are_erased(platform: Platform) -> None:
    async with platform.scheduler(loops=False, history_kept=1) as scheduler:
        kept, gone = await made(platform), await made(platform)
        for n in range(3):
            patch = {"name": f"n-{n}"}
            await platform.ask(Verb.UPDATE_TARGET, target_id=kept, patch=patch)
        await platform.ask(Verb.DELETE_TARGET, target_id=gone)
        async with platform.database.connected() as connection:
            await connection.execute(
                "UPDATE scheduler.target SET updated_at = now() - interval '31 d' "
                "WHERE status = 'deleted'"
            )
        erase = next(one for one in scheduler.loops if one.name == "erase targets")
        erase.start()
        await eventually(
            lambda: _is_erased(platform, kept, gone), within=20, what="both are erased"
        )
    assert [one.version for one in await changes(platform, kept)] == [4]


async def _is_erased(platform: Platform, kept: str, gone: str) -> bool:
    return not await changes(platform, gone) and len(await changes(platform, kept)) == 1


@pytest.mark.usefixtures("scheduler")
async def test_a_test_without_saving_takes_a_target_by_id_or_written_out(
    platform: Platform,
) -> None:
    await made(platform, **NATS, target_id="saved")
    test = {"type": "api", "payload": 1}
    for target, expected in (
        ("nobody", ("unknown-target", ["/target"])),
        ("a.b", ("invalid", ["/target"])),
        (webhook(url="https://127.1/"), ("address-not-allowed", ["/target/url"])),
        (webhook(secret="plain"), ("secret-must-be-sealed", ["/target/secret"])),
        ({"type": "nats", "subject": "trigger.x"}, ("subject-not-allowed", ["/target/subject"])),
    ):
        assert code(await platform.ask(Verb.TEST, **test, target=target)) == expected, target
    named = await platform.ask(Verb.TEST, **test, targets=["nobody"])
    assert code(named) == ("unknown-target", ["/targets/0"])

    by_id = await platform.ask(Verb.TEST, **test, target="saved", trigger_id="by-id")
    written = await platform.ask(
        Verb.TEST, **test, target=webhook(), trigger_id="written", command_id="c9"
    )

    assert by_id["event_id"] != written["event_id"]
    assert "hpke1" not in json.dumps(written)
    (change,) = await changes_of_trigger(platform, "by-id")
    assert (change.definition.targets, change.test_target) == (("saved",), None)
    assert await changes_of_trigger(platform, "written") == [], "others hear these"
    (change,) = await changes_of_trigger(platform, "written", subjects.tested)
    assert change.definition.targets == ()
    assert change.test_target is not None
    assert change.test_target.definition.url == "https://a.example/hook"


async def changes_of_trigger(
    platform: Platform, trigger_id: str, subject: Callable[[str], str] = subjects.changed
) -> list[TriggerChanged]:
    found = await platform.stored(topology.CHANGES.name, subject(trigger_id))
    return [TriggerChanged.model_validate_json(body) for body in found]
