"""What `etp up` prints once everything is ready."""

from pathlib import Path

import pytest

from trigger_local import welcome
from trigger_local.home import Home
from trigger_local.programs import Platform
from trigger_local.secrets import generate


@pytest.mark.parametrize(
    ("host", "link"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/ui/#key="),
        ("localhost", "http://localhost:8000/ui/#key="),
        ("0.0.0.0", "http://127.0.0.1:8000/ui/#key="),
    ],
)
def test_on_this_machine_the_link_to_the_web_ui_signs_in(host: str, link: str) -> None:
    platform = Platform(Home(Path("/nowhere")), generate(), {"api": 8000, "nats": 4222}, host)
    assert f"Web UI   {link}{platform.secrets.api_key}\n" in welcome.text(platform, 1)


def test_on_a_network_the_link_has_no_key() -> None:
    ports = {"api": 8000, "nats": 4222}
    platform = Platform(Home(Path("/nowhere")), generate(), ports, "192.0.2.7")
    assert "Web UI   http://192.0.2.7:8000/ui/\n" in welcome.text(platform, 1)
