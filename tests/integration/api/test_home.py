"""The gateway's bare address, opened in a browser."""

from tests.integration.api.conftest import Running


async def test_the_bare_address_leads_to_the_documentation(gateway: Running) -> None:
    async with gateway.without_key() as http:
        answer = await http.get("/")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/docs"
