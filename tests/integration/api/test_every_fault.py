"""What is wrong of a definition in any layer is answered at once, at every door that takes one."""

import httpx
import pytest

pytestmark = pytest.mark.usefixtures("scheduler")

CRON = {"name": "x", "type": "scheduled", "cron": "0 9 * * *"}
WRONG = {"name": "", "timezone": "Mars/Olympus", "cron": "0 25 * * *", "jitter": "P2D"}
POINTERS = ["/name", "/timezone", "/cron", "/jitter"]


def check(answer: httpx.Response, pointers: list[str]) -> None:
    assert answer.status_code == 422, answer.text
    found = answer.json()
    assert [error["pointer"] for error in found["errors"]] == pointers, answer.text
    assert (found["code"], found["detail"]) == ("invalid", f"{len(pointers)} fields are not valid")
    cron = next(error for error in found["errors"] if error["pointer"].endswith("/cron"))
    assert cron["at"] == 2


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
async def test_creates_and_edits_are_told_all_that_is_wrong(
    http: httpx.AsyncClient, query: str
) -> None:
    check(await http.post(f"/triggers/{query}", json={**CRON, **WRONG}), POINTERS)
    created = await http.post("/triggers/", json=CRON)
    path = created.headers["location"]
    check(await http.put(path + query, json={**CRON, **WRONG}), POINTERS)
    check(await http.patch(path + query, json=WRONG), POINTERS)
    # An unknown field with a null leaves no trace in what it is merged to.
    strange = {**WRONG, "nmae": None}
    check(await http.patch(path + query, json=strange), ["/nmae", *POINTERS])
    # What follows from the stored trigger is told beside what is wrong by itself.
    check(
        await http.put(path + query, json={**CRON, **WRONG, "type": "api"}),
        [
            "/name",
            "/timezone",
            "/type",
            "/cron",
            "/jitter",
        ],
    )
    assert (await http.get(path)).json()["version"] == 1


async def test_bulk_tests_and_previews_are_told_all_that_is_wrong(
    http: httpx.AsyncClient,
) -> None:
    bulk = await http.post("/triggers/bulk", json=[CRON, {**CRON, **WRONG}])
    assert [error["pointer"] for error in bulk.json()["errors"]] == [
        f"/1{pointer}" for pointer in POINTERS
    ]
    check(await http.post("/test/scheduled/", json=WRONG), POINTERS)
    other = await http.post("/test/scheduled/", json={**WRONG, "type": "api"})
    check(other, ["/type", *POINTERS])
    schedule = {name: value for name, value in WRONG.items() if name != "name"}
    preview = await http.post("/schedules/preview", json={**schedule, "count": 0, "until": "x"})
    check(preview, ["/count", *POINTERS[1:]])
    preview = await http.post("/schedules/preview", json={**schedule, "after": "x", "until": "y"})
    check(preview, ["/after", "/until", *POINTERS[1:]])
