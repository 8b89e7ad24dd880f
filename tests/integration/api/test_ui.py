"""The built web UI as the gateway serves it: without a key, from memory, and nothing beside it."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.integration.api.conftest import Running, serving
from tests.support.raw_http import ask
from tests.support.servers import Broker, Database
from trigger_api.adapters import ui_files
from trigger_api.entrypoints.answers import HttpAnswer
from trigger_api.entrypoints.ui import UiEndpoint
from trigger_contracts.errors import Refused
from trigger_local.secrets import Secrets

PAGE = b"<!doctype html><title>a page</title>"
SCRIPT = b"console.log('a page of ours')\n" * 50
CSP = "default-src 'self'; frame-ancestors 'none'"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return build_in(tmp_path)


def build_in(root: Path) -> Path:
    """A build, with links out of it and a file of ours beside it."""
    folder = root / "built_ui"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(PAGE)
    (folder / "assets" / "main-a1.js").write_bytes(SCRIPT)
    (root / "secret.txt").write_text("a secret")
    (folder / "assets" / "link.txt").symlink_to(root / "secret.txt")
    (folder / "linked").symlink_to(root)
    return folder


@pytest.fixture(scope="module")
async def gateway(
    broker: Broker, database: Database, secrets: Secrets, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """Ready or not: none of this needs a broker or a database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ui_files, "FOLDER", build_in(tmp_path_factory.mktemp("ui")))
        async with serving(broker, database, secrets) as running:
            yield running


@pytest.fixture
async def browser(gateway: Running) -> AsyncIterator[httpx.AsyncClient]:
    """No key, and the headers of one who opens a page."""
    async with gateway.without_key() as http:
        http.headers["accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
        yield http


def rename(folder: Path, name: str) -> None:
    folder.rename(folder.with_name(name))


async def test_the_page_answers_every_view_with_any_query(browser: httpx.AsyncClient) -> None:
    for view in ("", "events", "events?life=active&life=archived", "triggers/abc/edit?tab=now"):
        answer = await browser.get(f"/ui/{view}")
        assert (answer.status_code, answer.content) == (200, PAGE), view
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-security-policy"] == CSP
        assert answer.headers["x-content-type-options"] == "nosniff"
    known = {"if-none-match": answer.headers["etag"]}
    again = await browser.get("/ui/events?life=active", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"


async def test_assets_are_immutable_and_packed_for_who_takes_gzip(gateway: Running) -> None:
    target = "/ui/assets/main-a1.js"
    plain = await ask(gateway.url, "GET", target)
    packed = await ask(gateway.url, "GET", target, ["Accept-Encoding: br, gzip"])
    assert plain.body == SCRIPT
    assert gzip.decompress(packed.body) == SCRIPT
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    for answer in (plain, packed):
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "accept-encoding"
    assert plain.headers["etag"] != packed.headers["etag"]


async def test_head_says_what_get_sends_and_other_methods_what_is_allowed(
    gateway: Running, browser: httpx.AsyncClient
) -> None:
    for target in ("/ui/", "/ui/assets/main-a1.js"):
        head, got = [await ask(gateway.url, method, target) for method in ("HEAD", "GET")]
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(got.body))
        assert (await browser.options(target)).headers["allow"] == "GET, HEAD, OPTIONS"
        refused = await browser.post(target)
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        assert refused.json()["code"] == "method-not-allowed"


async def test_an_asset_that_is_not_there_is_404_and_never_the_page(
    browser: httpx.AsyncClient,
) -> None:
    for name in ("assets/none.js", "assets/", "main.js", "favicon.ico"):
        answer = await browser.get(f"/ui/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), name


async def test_no_address_leads_out_of_the_build(gateway: Running) -> None:
    for path in (
        "assets/link.txt",
        "linked/secret.txt",
        "../secret.txt",
        "assets/../../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "..%5csecret.txt",
        "%2e%2e%2fsecret.txt",
        "%252e%252e%252fsecret.txt",
        "//etc/passwd",
        "%2fetc%2fpasswd",
        "assets/main-a1.js%00",
        "assets/main-a1.js/",
        "assets%2fmain-a1.js/..%2f..",
        "../settings.py",
    ):
        answer = await ask(gateway.url, "GET", f"/ui/{path}")
        assert answer.status == 404, path
        assert b"secret" not in answer.body
    # Outside of /ui/ nothing is open.
    for path in ("/uix", "/ui%2f..%2ftriggers/", "/UI/", "/ui../triggers/"):
        answer = await ask(gateway.url, "GET", path)
        assert (answer.status == 401) or b"secret" not in answer.body, path
        assert answer.status in {401, 404}, path


async def test_a_browser_is_led_to_the_page_and_a_program_to_the_documentation(
    gateway: Running, browser: httpx.AsyncClient
) -> None:
    led = await browser.get("/")
    assert (led.status_code, led.headers["location"]) == (307, "/ui/")
    assert led.headers["vary"] == "accept"
    async with gateway.without_key() as program:
        assert (await program.get("/")).headers["location"] == "/docs"
    for query, location in (("", "/ui/"), ("?a=b&a=c", "/ui/?a=b&a=c")):
        bare = await browser.get(f"/ui{query}")
        assert (bare.status_code, bare.headers["location"]) == (307, location)


async def test_a_build_is_served_once_it_is_there_and_beside_the_ones_before(built: Path) -> None:
    ui = UiEndpoint(ui_files.UiFiles(built).current)

    async def get(path: str) -> HttpAnswer:
        scope = {"method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
        return await ui.answer(scope, {}, "a request")

    rename(built, "not_yet")
    missing = await get("/ui/events")
    assert (missing.status, missing.content_type) == (503, "text/html; charset=utf-8")
    assert b"make ui" in missing.body
    assert b"<style" not in missing.body
    assert b"style=" not in missing.body
    with pytest.raises(Refused):
        await get("/ui/assets/main-a1.js")

    rename(built.with_name("not_yet"), built.name)
    assert (await get("/ui/")).body == PAGE

    newer = built.with_name("newer")
    (newer / "assets").mkdir(parents=True)
    (newer / "index.html").write_bytes(b"<!doctype html>newer")
    (newer / "assets" / "main-b2.js").write_bytes(SCRIPT)
    rename(built, "old")
    rename(newer, built.name)
    assert (await get("/ui/")).body == b"<!doctype html>newer"
    assert (await get("/ui/assets/main-b2.js")).body == SCRIPT
    assert (await get("/ui/assets/main-a1.js")).body == SCRIPT

    rename(built, "gone")
    assert (await get("/ui/")).status == 200


async def test_all_of_it_is_one_route_in_the_metrics(
    gateway: Running, browser: httpx.AsyncClient
) -> None:
    for name in ("", "events", "assets/none.js", "no/such/view"):
        await browser.get(f"/ui/{name}")
    exposed = (await gateway.http.get("/metrics")).text
    assert 'route="/ui/"' in exposed
    assert "no/such/view" not in exposed
