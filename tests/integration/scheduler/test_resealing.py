"""The key that targets' secrets are sealed to is exchanged, and no target is lost by it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.scheduler.conftest import Platform
from tests.integration.scheduler.test_targets import changes
from tests.support.eventually import eventually
from tests.unit.executor.factories import FakeMessage as Incoming
from trigger_admin import resealing
from trigger_admin.errors import AdminError
from trigger_admin.resealing import count_by_key, reseal
from trigger_admin.sealing_needs import Need, needs_of_old_keys, told
from trigger_api.domain.triggers import creates
from trigger_contracts import subjects, topology
from trigger_contracts.idempotency import SecretClaim
from trigger_contracts.subjects import Service, Verb
from trigger_contracts.targets.sealing import (
    SECRET_FIELD,
    OpeningKeys,
    SealingKey,
    header_field,
    new_key,
    opening_keys,
)
from trigger_runtime.dead_letters.writer import DeadLetterWriter
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.process.clock import SystemClock
from trigger_scheduler.bootstrap import Scheduler

OLD, NEW = new_key(), new_key()
BOTH = opening_keys([NEW, OLD])
OLD_KEY, NEW_KEY = opening_keys([OLD]).current, BOTH.current
FIRST, SECOND = "whsec_" + "A" * 32, "whsec_" + "B" * 32


@pytest.fixture
async def scheduler(platform: Platform) -> AsyncIterator[Scheduler]:
    async with platform.scheduler() as running:
        yield running


def secret(target_id: str, text: str = FIRST, key: SealingKey = OLD_KEY) -> str:
    return key.seal(text, target_id=target_id, field=SECRET_FIELD)


async def make(platform: Platform, target_id: str, **fields: Any) -> None:
    token = OLD_KEY.seal("of nobody", target_id=target_id, field=header_field("Token"))
    answer = await platform.ask(
        Verb.CREATE_TARGET,
        target_id=target_id,
        type="webhook",
        url="https://a.example/hook",
        secret=secret(target_id),
        secret_headers={"Token": token},
        **fields,
    )
    assert answer["version"] == 1, answer


async def opened(platform: Platform, target_id: str, keys: OpeningKeys) -> list[str]:
    """All that the target's newest change has sealed, in the clear."""
    change = (await changes(platform, target_id))[-1]
    return [
        keys.open(sealed, target_id=target_id, field=of)
        for of, sealed in resealing.sealed_values(change)
    ]


@pytest.mark.usefixtures("scheduler")
async def test_what_targets_have_is_sealed_to_the_new_key_and_the_old_one_can_go(
    platform: Platform,
) -> None:
    for target_id in ("plain", "rotated", "gone"):
        await make(platform, target_id)
    await platform.ask(Verb.ROTATE_TARGET, target_id="rotated", secret=secret("rotated", SECOND))
    await platform.ask(Verb.DELETE_TARGET, target_id="gone")
    await platform.ask(Verb.CREATE_TARGET, target_id="nats", type="nats", subject="out.a")
    before = (await changes(platform, "rotated"))[-1]
    assert await count_by_key(platform.servers) == {OLD_KEY.key_id: 5}

    outcome = await reseal(platform.servers, BOTH)
    assert (outcome.is_done, outcome.changed, outcome.secrets) == (True, {"plain", "rotated"}, 5)
    assert await count_by_key(platform.servers) == {NEW_KEY.key_id: 5}
    new = opening_keys([NEW])
    assert await opened(platform, "plain", new) == [FIRST, "of nobody"]
    assert await opened(platform, "rotated", new) == [SECOND, FIRST, "of nobody"]
    after = (await changes(platform, "rotated"))[-1]
    # The old signature is given for as long as it was promised.
    lives = [(one.made_at, one.expires_at) for one in before.secrets]
    assert [(one.made_at, one.expires_at) for one in after.secrets] == lives
    assert (after.version, after.actor) == (3, resealing.ACTOR)

    again = await reseal(platform.servers, BOTH)
    assert (again.is_done, again.changed) == (True, set())
    assert len(await changes(platform, "plain")) == 2
    assert again.told()[-1] == f"All 5 secrets of targets are sealed to the key {NEW_KEY.key_id}."


@pytest.mark.usefixtures("scheduler")
async def test_a_run_that_was_stopped_is_finished_by_the_next(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"t{number}" for number in range(6)]
    for target_id in ids:
        await make(platform, target_id)
    ask = resealing._answer
    answered: list[str] = []

    async def stops(client: Any, command: Any) -> Any:
        if len(answered) == 3:
            raise AdminError("stopped")
        answered.append(command.target_id)
        return await ask(client, command)

    monkeypatch.setattr(resealing, "AT_ONCE", 1)
    monkeypatch.setattr(resealing, "_answer", stops)
    with pytest.raises(AdminError, match="stopped"):
        await reseal(platform.servers, BOTH)
    assert await count_by_key(platform.servers) == {NEW_KEY.key_id: 6, OLD_KEY.key_id: 6}
    # Both keys open what there is: nothing waits for the rest of it.
    for target_id in ids:
        assert await opened(platform, target_id, BOTH) == [FIRST, "of nobody"]
    monkeypatch.setattr(resealing, "_answer", ask)
    outcome = await reseal(platform.servers, BOTH)
    assert outcome.changed == set(ids) - set(answered)
    assert await count_by_key(platform.servers) == {NEW_KEY.key_id: 12}


@pytest.mark.usefixtures("scheduler")
async def test_an_edit_in_between_is_kept_and_sealed_with_the_rest(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(platform, "edited")
    ask = resealing._answer
    edits = iter([{"timeout": 7}])

    async def after_an_edit(client: Any, command: Any) -> Any:
        if edit := next(edits, None):
            await platform.ask(Verb.UPDATE_TARGET, target_id="edited", patch=edit)
        return await ask(client, command)

    monkeypatch.setattr(resealing, "_answer", after_an_edit)
    assert (await reseal(platform.servers, BOTH)).is_done
    newest = (await changes(platform, "edited"))[-1]
    assert (newest.version, newest.definition.timeout) == (3, 7)
    assert await opened(platform, "edited", opening_keys([NEW])) == [FIRST, "of nobody"]


@pytest.mark.usefixtures("scheduler")
async def test_what_no_key_opens_is_named_and_left_and_hinders_no_other(
    platform: Platform,
) -> None:
    await make(platform, "sound")
    lost = opening_keys([new_key()]).current
    await platform.ask(
        Verb.CREATE_TARGET,
        target_id="lost",
        type="webhook",
        url="https://a.example/hook",
        secret=secret("lost", key=lost),
    )
    outcome = await reseal(platform.servers, BOTH)
    assert (outcome.is_done, outcome.changed) == (False, {"sound"})
    assert outcome.closed == {"lost": f"no key has the id {lost.key_id}"}
    assert FIRST not in "".join(outcome.told())
    assert len(await changes(platform, "lost")) == 1


async def test_an_old_key_is_needed_by_what_may_still_come(platform: Platform) -> None:
    """Until what was accepted before is handled, or its life is over."""
    sealed = secret("any")
    webhook = {"type": "webhook", "url": "https://a.example/hook"}
    async with platform.scheduler():
        await make(platform, "plain", command_id="handled")
        for command_id, text in (("handled", sealed), ("lost", sealed), ("other", None)):
            claim = SecretClaim(accepted_at=datetime.now(UTC), body_hash="b", secret=text)
            await claim_key(platform, creates.store_key(command_id), claim)
        test = {"type": "api", "payload": 1, "target": {**webhook, "secret": sealed}}
        assert "event_id" in await platform.ask(Verb.TEST, **test)
        await dead_letter(platform, json.dumps({**webhook, "secret": sealed}).encode())
        before = await needs(platform)
        assert before[0] == Need("secrets of targets are still sealed to an old key", 2)

        assert (await reseal(platform.servers, BOTH)).is_done
        found = {need.what: need for need in await handled(platform)}
    assert {what: need.count for what, need in found.items()} == {
        "dead letters hold a command with a secret": 1,
        "idempotency keys hold a secret that was never handled": 1,
        "targets are written out in tests that may still be delivered": 1,
    }
    for need in found.values():
        assert need.until is not None
        left = need.until - datetime.now(UTC)
        assert timedelta(hours=47, minutes=58) < left < timedelta(hours=48, minutes=1)
    assert sealed not in told(list(found.values()))

    await platform.send(Verb.ROTATE_TARGET, {"target_id": "plain", "secret": sealed})
    waiting = [need for need in await needs(platform) if need.what not in found]
    assert [(need.what, need.count) for need in waiting] == [
        ("commands with a secret are not handled yet", 1)
    ]
    # What is sealed to the current key needs no other.
    assert await needs_of_old_keys(platform.servers, OLD_KEY.key_id) == [
        Need("secrets of targets are still sealed to an old key", 2)
    ]


async def needs(platform: Platform) -> list[Need]:
    return await needs_of_old_keys(platform.servers, NEW_KEY.key_id)


async def handled(platform: Platform) -> list[Need]:
    """What is needed once the scheduler has acknowledged what it answered."""

    async def none_waits() -> list[Need] | None:
        found = await needs(platform)
        return None if any("not handled yet" in need.what for need in found) else found

    found = await eventually(none_waits, what="every command is acknowledged")
    assert found is not None
    return found


async def claim_key(platform: Platform, key: str, claim: SecretClaim) -> None:
    bucket = topology.IDEMPOTENCY
    publisher = JetStreamPublisher(platform.admin, bucket.stream, timeout=timedelta(seconds=5))
    await publisher.publish(Message(bucket.subject(key), claim.model_dump_json().encode()))


async def dead_letter(platform: Platform, body: bytes) -> None:
    """What the scheduler keeps of a create that failed by itself."""
    publisher = JetStreamPublisher(platform.admin, topology.DEAD.name, timeout=timedelta(seconds=5))
    writer = DeadLetterWriter(
        publisher, Service.SCHEDULER, SystemClock(), kept_for=topology.LOG_LIFE
    )
    create = Incoming(body, subjects.command(Verb.CREATE_TARGET), stored_at=datetime.now(UTC))
    await writer.dead_letter(topology.COMMANDS.name, create, "failed 5 times")


def test_without_a_need_it_says_that_old_keys_may_go() -> None:
    assert told([]) == "No old key is needed any more."


async def test_without_a_scheduler_it_says_what_it_waits_for(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with platform.scheduler():
        await make(platform, "waits")
    monkeypatch.setattr(resealing, "ANSWER_TIMEOUT_S", 0.2)
    with pytest.raises(AdminError, match="No scheduler answers"):
        await reseal(platform.servers, BOTH)
    stored = await platform.stored(topology.COMMANDS.name, "trigger.command.update-target")
    assert not [body for body in stored if FIRST.encode() in body or b"of nobody" in body]
