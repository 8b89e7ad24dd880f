"""The key that secrets of targets are sealed to is exchanged on a running platform."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.support.whole_platform import Platform, running
from trigger_contracts import subjects, topology
from trigger_contracts.targets.changes import TargetChanged, sealed_values
from trigger_contracts.targets.sealing import opening_keys


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async with running() as started:
        yield started


def kept_keys(platform: Platform) -> list[str]:
    found: list[str] = json.loads((platform.root / "secrets.json").read_text())["sealing"]
    return found


async def create(platform: Platform, name: str) -> tuple[str, str]:
    """A webhook's id and its secret, which is shown this once."""
    made = await platform.rest.post(
        "/targets/",
        json={
            "type": "webhook",
            "name": name,
            "url": "https://a.example/hook",
            "secret_headers": {"Token": f"token of {name}"},
        },
    )
    assert made.status_code == 201, made.text
    return made.json()["id"], made.json()["secret"]


async def opened(platform: Platform, target_id: str, key: str) -> list[str]:
    """All that the target has sealed, by this key alone."""
    *_, newest = await platform.stored(topology.TARGETS.name, subjects.target(target_id))
    change = TargetChanged.model_validate_json(newest.payload)
    keys = opening_keys([key])
    return [keys.open(text, target_id=target_id, field=of) for of, text in sealed_values(change)]


async def test_a_key_is_exchanged_and_no_target_is_lost(platform: Platform) -> None:
    one, its_secret = await create(platform, "one")
    (old,) = kept_keys(platform)
    assert await opened(platform, one, old) == [its_secret, "token of one"]
    webhook = {"type": "webhook", "url": "https://a.example/hook"}
    tested = await platform.rest.post("/test/api/", json={"payload": 1, "target": webhook})
    assert tested.status_code == 202, tested.text

    code, said = await platform.call("sealing add")
    assert code == 0, said
    new, still = kept_keys(platform)
    assert still == old
    await platform.down()
    await platform.up()
    other, others_secret = await create(platform, "other")
    assert await opened(platform, other, new) == [others_secret, "token of other"]
    assert await opened(platform, one, old) == [its_secret, "token of one"]

    code, said = await platform.call("sealing drop")
    assert (code, kept_keys(platform)) == (1, [new, old])
    assert "2 secrets of targets are still sealed to an old key" in said
    code, said = await platform.call("sealing reseal")
    key_id = opening_keys([new]).current.key_id
    assert code == 0, said
    *lines, last = said.splitlines()
    assert lines == [
        "1 targets were sealed anew.",
        f"All 4 secrets of targets are sealed to the key {key_id}.",
    ]
    test_needs = "1 targets are written out in tests that may still be delivered, until "
    assert last.startswith(f"Old keys are still needed: {test_needs}")
    assert await opened(platform, one, new) == [its_secret, "token of one"]
    code, said = await platform.call("sealing drop")
    assert (code, kept_keys(platform)) == (1, [new, old])
    assert test_needs in said
    code, said = await platform.call("sealing drop --force")
    assert (code, kept_keys(platform)) == (0, [new]), said
    shown = (await platform.rest.get(f"/targets/{one}")).json()
    assert (shown["version"], shown["secret_headers"]) == (2, {"Token": "***"})
    for text in (old, new, its_secret, "token of one"):
        assert text not in platform.printed.read_text()
