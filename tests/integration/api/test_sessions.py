"""A browser signs in once; no script, no other site and no old cookie acts for it."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx

from tests.integration.api.conftest import Running, ready, serving
from tests.integration.api.stand_in import StandInScheduler
from tests.support.servers import Broker, Database
from trigger_api.domain.keys import parse_stored
from trigger_api.domain.sessions import LASTS, SessionCookie
from trigger_local.secrets import Secrets, generate

SECRET = "x" * 32
BODY = {"name": "n", "type": "api"}
OURS = {"Sec-Fetch-Site": "same-origin"}


@contextlib.asynccontextmanager
async def signed_in(gateway: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway.without_key() as http:
        answer = await http.post("/session", json={"api_key": gateway.secrets.api_key})
        assert answer.status_code == 200, answer.text
        yield http


async def test_a_key_is_exchanged_for_a_cookie_and_given_back(
    gateway: Running, scheduler: StandInScheduler
) -> None:
    key_id = gateway.secrets.api_key_hash.partition(":")[0]
    async with gateway.without_key() as http:
        nobody = (await http.get("/session")).json()
        assert (nobody["key_id"], nobody["scopes"], nobody["expires_at"]) == (None, [], None)
        assert (await http.get("/triggers/")).status_code == 401
        begun = await http.post("/session", json={"api_key": gateway.secrets.api_key})
        assert {"HttpOnly", "SameSite=Strict"} <= set(begun.headers["set-cookie"].split("; "))
        assert gateway.secrets.api_key not in begun.headers["set-cookie"] + begun.text
        shown = (await http.get("/session")).json()
        assert shown["key_id"] == begun.json()["key_id"] == key_id
        now, ends = (datetime.fromisoformat(shown[name]) for name in ("now", "expires_at"))
        assert timedelta() < now + LASTS - ends < timedelta(seconds=20)
        # As with the key itself, and known by it.
        made = await http.post("/triggers/", json=BODY, headers=OURS)
        assert made.status_code == 201, made.text
        history = (await http.get(f"{made.headers['location']}/history")).json()
        assert history[0]["actor"] == f"key:{key_id}"
        fired = await http.post(f"{made.headers['location']}/fire", json={}, headers=OURS)
        assert fired.status_code == 202
        assert "set-cookie" not in fired.headers
        ended = await http.delete("/session", headers=OURS)
        assert ended.status_code == 204
        assert (await http.get("/triggers/")).status_code == 401
        assert (await http.get("/session")).json()["key_id"] is None
    by_key = (await gateway.http.get("/session")).json()
    assert (by_key["key_id"], by_key["expires_at"]) == (key_id, None)


async def test_what_another_origin_sends_with_the_cookie_changes_nothing(
    gateway: Running, scheduler: StandInScheduler
) -> None:
    elsewhere: tuple[dict[str, str], ...] = (
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {},
    )
    async with signed_in(gateway) as http:
        one = (await http.post("/triggers/", json=BODY, headers=OURS)).headers["location"]
        before = (await http.get(one)).json()
        asked = len(scheduler.commands)
        for headers in elsewhere:
            # Without a Content-Type, as a page may send it without asking first.
            for method, path in (
                ("POST", "/triggers/"),
                ("PUT", one),
                ("PATCH", one),
                ("DELETE", one),
                ("POST", f"{one}/fire"),
                ("POST", "/test/api/"),
                ("POST", "/events/replay"),
            ):
                answer = await http.request(method, path, content=b"{}", headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "cross-site"), path
            assert (await http.get(one, headers=headers)).status_code == 200
        assert len(scheduler.commands) == asked
        assert (await http.get(one)).json() == before
        own = {"Origin": str(http.base_url).rstrip("/")}
        assert (await http.patch(one, json={"name": "m"}, headers=own)).status_code == 200
        # A key is no cookie: whoever has it may say where it comes from.
        with_key = {"X-API-KEY": gateway.secrets.api_key, "Origin": "http://elsewhere"}
        assert (await http.patch(one, json={"name": "o"}, headers=with_key)).status_code == 200


async def test_nobody_is_signed_in_or_out_by_another_site(gateway: Running) -> None:
    body = {"api_key": gateway.secrets.api_key}
    async with signed_in(gateway) as http:
        for site in ("cross-site", "same-site"):
            headers = {"Sec-Fetch-Site": site}
            for answer in (
                await http.post("/session", json=body, headers=headers),
                await http.delete("/session", headers=headers),
            ):
                assert (answer.status_code, answer.json()["code"]) == (403, "cross-site")
                assert "set-cookie" not in answer.headers
        assert (await http.get("/session")).json()["key_id"] is not None


async def test_what_is_no_key_signs_nobody_in(gateway: Running) -> None:
    async with gateway.without_key() as http:
        for body, status, pointer in (
            ({"api_key": "etp_x.y"}, 401, None),
            ({"api_key": gateway.secrets.api_key + "x"}, 401, None),
            ({"api_key": ""}, 401, None),
            ({}, 422, "/api_key"),
            ({"api_key": 5}, 422, "/api_key"),
            ({"api_key": "x", "user": "me"}, 422, "/user"),
            ([], 422, ""),
        ):
            answer = await http.post("/session", json=body)
            assert answer.status_code == status, answer.text
            assert "set-cookie" not in answer.headers
            if pointer is not None:
                assert answer.json()["errors"][0]["pointer"] == pointer
        for sent in ("", "forged", "a.1.b", "x" * 4000):
            answer = await http.get("/triggers/", headers={"Cookie": f"etp_session_8080={sent}"})
            assert answer.status_code == 401


async def test_a_session_is_known_to_all_gateways_until_it_ends_or_its_key_does(
    platform_streams: Broker, empty_database: Database, secrets: Secrets
) -> None:
    options = {"session_secret": SECRET, "public_url": "https://triggers.example.com"}
    cookie = SessionCookie.of(SECRET.encode(), port=8080, is_secure=True)
    key, now = parse_stored(secrets.api_key_hash), datetime.now(UTC)

    def sent(begun_at: datetime) -> dict[str, str]:
        _, line = cookie.begin(key, begun_at)
        return {"Cookie": line.partition(";")[0]}

    async with serving(platform_streams, empty_database, secrets, **options) as running:
        await ready(running)
        async with running.without_key() as http:
            fresh = await http.get("/triggers/", headers=sent(now - timedelta(minutes=1)))
            assert (fresh.status_code, "set-cookie" in fresh.headers) == (200, False)
            old = await http.get("/triggers/", headers=sent(now - timedelta(hours=11)))
            assert (old.status_code, "set-cookie" in old.headers) == (200, True)
            line = old.headers["set-cookie"]
            assert line.startswith("__Host-etp_session_8080=")
            assert line.endswith("; Secure")
            over = await http.get("/triggers/", headers=sent(now - LASTS))
            assert over.status_code == 401
            public = {**sent(now), "Origin": "https://triggers.example.com"}
            asked = await http.delete("/triggers/none?dry_run=true", headers=public)
            assert asked.status_code == 404
    rotated = generate()
    async with serving(
        platform_streams,
        empty_database,
        secrets,
        bootstrap_key_hash=rotated.api_key_hash,
        **options,
    ) as running:
        await ready(running)
        async with running.without_key() as http:
            assert (await http.get("/triggers/", headers=sent(now))).status_code == 401
