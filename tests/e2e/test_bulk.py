"""Many triggers in one request, and the command that sends a file of them, on the real platform."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.bare import run_without
from tests.support.eventually import eventually
from tests.support.whole_platform import ETP, Json, Platform, distinct
from trigger_contracts.bulk_body import MAX_DEFINITIONS
from trigger_runtime.process.ids import new_id

NDJSON = {"Content-Type": "application/x-ndjson"}


def definitions(count: int, label: str, **fields: Any) -> list[Json]:
    return [
        {
            "name": f"{label} {n}",
            "type": "scheduled",
            "interval": "PT1H",
            "payload": {"n": n},
            "labels": [label],
            **fields,
        }
        for n in range(count)
    ]


def ndjson(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)


async def post(platform: Platform, body: bytes, key: str | None = None, query: str = "") -> Json:
    headers = {**NDJSON, "Idempotency-Key": key} if key else NDJSON
    response = await platform.rest.post(
        f"/triggers/bulk{query}", content=body, headers=headers, timeout=120
    )
    return {"status": response.status_code, **response.json()}


async def labelled(platform: Platform, label: str) -> list[Json]:
    """Every trigger with the label, over all pages."""
    rows: list[Json] = []
    address, asked = "/triggers/", {"label": label, "limit": 500}
    while True:
        response = await platform.rest.get(address, params=asked or None)
        rows += response.json()
        if "next" not in response.links:
            return rows
        address, asked = response.links["next"]["url"], {}


async def test_two_thousand_are_there_when_the_answer_comes(platform: Platform) -> None:
    wanted = definitions(2_000, "two-thousand")
    answer = await post(platform, ndjson(wanted))
    assert answer["status"] == 201
    assert (answer["created"], answer["refused"], answer["accepted"]) == (2_000, 0, 0)
    shown = {one["id"]: one for one in await labelled(platform, "two-thousand")}
    assert len(shown) == 2_000
    for number, (line, definition) in enumerate(zip(answer["lines"], wanted, strict=True), 1):
        assert (line["line"], line["status"], line["version"]) == (number, "created", 1)
        found = shown[line["id"]]
        assert (found["name"], found["payload"]) == (definition["name"], definition["payload"])
    rows = await platform.query(
        "SELECT count(*) AS changes FROM scheduler.change WHERE trigger_id = ANY($1)", list(shown)
    )
    assert rows == [{"changes": 2_000}]


async def test_they_fire(platform: Platform) -> None:
    (line,) = (await post(platform, ndjson(definitions(1, "fires", interval=1))))["lines"]
    await platform.until_events(2, trigger_id=line["id"])
    rows = await platform.events(trigger_id=line["id"])
    assert distinct(row["id"] for row in rows)
    assert (await platform.rest.delete(f"/triggers/{line['id']}")).status_code == 204


async def test_one_wrong_line_creates_nothing_until_it_may_be_left_out(platform: Platform) -> None:
    rows = definitions(500, "mixed")
    rows[123]["interval"] = 0
    del rows[321]["interval"]
    rows[321]["cron"] = "0 25 * * *"
    body, key = ndjson(rows).replace(b'"mixed 42"', b'"mixed 42'), new_id()
    refused = await post(platform, body, key)
    assert (refused["status"], refused["code"]) == (422, "invalid")
    assert refused["detail"].startswith("3 of 500 definitions are refused")
    assert [error["pointer"] for error in refused["errors"]] == [
        "/42",
        "/123/interval",
        "/321/cron",
    ]
    assert [error["message"].split(":")[0] for error in refused["errors"]] == [
        *("line 43", "line 124", "line 322")
    ]
    assert await labelled(platform, "mixed") == []
    partly = await post(platform, body, key, "?partial=true")
    assert (partly["status"], partly["created"], partly["refused"]) == (200, 497, 3)
    assert [line["line"] for line in partly["lines"] if "problem" in line] == [43, 124, 322]
    assert len(await labelled(platform, "mixed")) == 497
    assert await post(platform, body, key, "?partial=true") == partly
    assert len(await labelled(platform, "mixed")) == 497


async def test_a_repeated_key_gives_the_same_answer(platform: Platform) -> None:
    body, key = ndjson(definitions(300, "repeated")), new_id()
    # All at once: whoever comes first decides, and each is answered.
    answers = await asyncio.gather(*(post(platform, body, key) for _ in range(3)))
    assert answers[0]["status"] == 201
    assert answers[1:] == answers[:-1]
    (line, *_) = answers[0]["lines"]
    edited = await platform.rest.patch(f"/triggers/{line['id']}", json={"name": "edited"})
    assert edited.status_code == 200
    assert await post(platform, body, key) == answers[0]
    assert len(await labelled(platform, "repeated")) == 300
    other = await post(platform, body + ndjson(definitions(1, "repeated")), key)
    assert (other["status"], other["code"]) == (409, "idempotency-mismatch")
    assert len(await labelled(platform, "repeated")) == 300


async def test_one_more_than_the_most_is_refused(platform: Platform) -> None:
    body = ndjson(definitions(MAX_DEFINITIONS + 1, "too-many"))
    for query in ("", "?partial=true"):
        answer = await post(platform, body, query=query)
        assert (answer["status"], answer["code"]) == (413, "body-too-large")
    assert await labelled(platform, "too-many") == []


async def test_killed_in_the_middle_and_repeated_each_is_created_once(platform: Platform) -> None:
    """Whatever was stored when the broker died, and whichever half of it was applied."""
    body, key = ndjson(definitions(MAX_DEFINITIONS, "killed")), new_id()

    async def begun() -> bool:
        query = "SELECT EXISTS (SELECT FROM scheduler.trigger WHERE 'killed' = ANY(labels)) AS yes"
        return bool((await platform.query(query))[0]["yes"])

    first = asyncio.create_task(post(platform, body, key))
    await eventually(begun, within=60, what="some are created")
    before = await platform.kill("nats")
    assert (await first)["status"] in {201, 202, 503}
    await platform.until_ready(without=before)

    async def whole() -> Json | None:
        answer = await post(platform, body, key)
        return answer if answer["status"] == 201 else None

    answer = await eventually(whole, within=120, what="everything is created")
    assert answer is not None
    ids = {line["id"] for line in answer["lines"]}
    assert len(ids) == MAX_DEFINITIONS
    rows = await platform.query(
        "SELECT trigger_id FROM scheduler.change WHERE state->'definition'->'labels'->>0 = 'killed'"
    )
    assert sorted(row["trigger_id"] for row in rows) == sorted(ids)


# The command.


async def etp_import(
    platform: Platform, file: Path | str, *options: str, stdin: bytes = b"", **environment: str
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of ``etp import``."""
    process = await asyncio.create_subprocess_exec(
        *(*ETP, "import", str(file), "--data-dir", str(platform.root), *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    printed, said = await asyncio.wait_for(process.communicate(stdin), 120)
    assert process.returncode is not None
    return process.returncode, printed.decode(), said.decode()


async def test_a_file_is_imported_once(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "triggers.ndjson"
    file.write_bytes(ndjson(definitions(2_100, "file")))
    for _ in range(2):
        code, printed, said = await etp_import(platform, file)
        assert (code, printed) == (0, "2100 of 2100 created.\n")
        assert said.splitlines() == [f"{n} of 2100" for n in (1000, 2000, 2100)]
    assert len(await labelled(platform, "file")) == 2_100
    assert (await etp_import(platform, file, "--name", "again"))[0] == 0
    assert len(await labelled(platform, "file")) == 4_200


async def test_a_refused_line_ends_the_import_which_goes_on_once_it_is_mended(
    platform: Platform, tmp_path: Path
) -> None:
    rows = definitions(1_600, "mended")
    rows[1_500]["type"] = "weekly"
    file = tmp_path / "triggers.ndjson"
    file.write_bytes(b"\n" + ndjson(rows))
    code, printed, _ = await etp_import(platform, file)
    assert code == 1
    assert printed.splitlines()[1].startswith("line 1502: /type: ")
    assert printed.splitlines()[2].startswith("1000 of 1600 created; 1 refused; mend")
    assert len(await labelled(platform, "mended")) == 1_000
    rows[1_500]["type"] = "scheduled"
    file.write_bytes(b"\n" + ndjson(rows))
    code, printed, _ = await etp_import(platform, file)
    assert (code, printed) == (0, "1600 of 1600 created.\n")
    assert len(await labelled(platform, "mended")) == 1_600


async def test_partial_goes_on_past_refused_definitions(platform: Platform) -> None:
    rows: list[Any] = definitions(1_100, "partial")
    rows[3] = {"name": "nameless"}
    rows[1_050]["payload"] = {"deep": {}}
    rows[1_050]["interval"] = -1
    array = json.dumps(rows, indent=1).encode()
    code, printed, _ = await etp_import(platform, "-", "--partial", stdin=array)
    assert code == 1
    lines = printed.splitlines()
    assert lines[0].startswith("definition 4: /type: Field required")
    assert lines[1].startswith("definition 1051: /interval: ")
    assert lines[2] == "1098 of 1100 created; 2 refused."
    assert len(await labelled(platform, "partial")) == 1_098


async def test_where_and_with_which_key(platform: Platform) -> None:
    body = ndjson(definitions(1, "elsewhere"))
    elsewhere = {"ETP_URL": platform.status["url"], "ETP_API_KEY": platform.status["api_key"]}
    nowhere = str(platform.root / "nowhere")
    code, printed, _ = await etp_import(
        platform, "-", "--data-dir", nowhere, stdin=body, **elsewhere
    )
    assert (code, printed) == (0, "1 of 1 created.\n")
    wrong = {**elsewhere, "ETP_API_KEY": "etp_x.y"}
    code, _, said = await etp_import(platform, "-", stdin=body, **wrong)
    assert code == 1
    assert "send an API key" in said
    for environment, why in (
        ({"ETP_URL": platform.status["url"]}, "needs both"),
        ({**elsewhere, "ETP_URL": "ftp://there"}, "etp: ETP_URL is not the address of a gateway"),
    ):
        code, _, said = await etp_import(platform, "-", stdin=body, **environment)
        assert code == 1
        assert why in said
    code, _, said = await etp_import(platform, "-", "--data-dir", nowhere, stdin=body)
    assert code == 1
    assert "Nothing runs" in said


async def test_a_client_needs_no_platform_of_its_own(platform: Platform) -> None:
    absent = ("trigger_local", "trigger_admin", "trigger_api", "psutil", "asyncpg", "nats")
    code, printed, _ = await run_without(
        absent,
        "trigger_cli",
        *("import", "-"),
        stdin=ndjson(definitions(2, "client")),
        ETP_URL=platform.status["url"],
        ETP_API_KEY=platform.status["api_key"],
    )
    assert (code, printed) == (0, "2 of 2 created.\n")


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"[{}", "the array does not end well"), (b"[{]", "definition 1"), (b"", "0 of 0 created")],
)
async def test_a_file_that_is_none(platform: Platform, body: bytes, why: str) -> None:
    code, printed, said = await etp_import(platform, "-", stdin=body)
    assert code == (1 if body else 0)
    assert why in printed + said


async def test_a_gateway_that_comes_back_in_time_interrupts_nothing(platform: Platform) -> None:
    body = ndjson(definitions(1_100, "back"))
    async with platform.gone("api"):
        importing = asyncio.create_task(etp_import(platform, "-", stdin=body))

        async def refused() -> bool:
            try:
                await platform.new_rest().get("/health")
            except httpx.ConnectError:
                return True
            return False

        await eventually(refused, what="the gateway is away")
    await platform.until_ready()
    code, printed, _ = await importing
    assert (code, printed) == (0, "1100 of 1100 created.\n")
    assert len(await labelled(platform, "back")) == 1_100
