"""The folder of one stream is removed under the running broker: noticed at once, not at the start
after next. It is healed where nothing was lost, else said with the command.
"""

import shutil
from pathlib import Path

import nats
import pytest

from tests.integration.local.conftest import Etp
from tests.support.eventually import eventually
from trigger_admin.installation import ADMIN, Installation, admin_connection
from trigger_contracts import subjects
from trigger_contracts.topology import PLATFORM_ACCOUNT
from trigger_local import secrets
from trigger_local.home import Home

pytestmark = pytest.mark.embedded("etp up starts servers of its own")

ANEW = "nats is started anew, for it cannot go on: its files are gone from"


def admin_password(etp: Etp) -> str:
    return secrets.load_or_create(Home(etp.root)).nats[ADMIN]


async def test_the_folder_of_one_stream_removed_while_all_runs_is_noticed(etp: Etp) -> None:
    """An empty one is made anew; one with messages is lost, also where only ``msgs`` is gone. One
    that was deleted by request was not removed under the broker.
    """
    status = await etp.up()
    streams = etp.root / "nats" / "store" / "jetstream" / PLATFORM_ACCOUNT / "streams"
    client = await nats.connect(
        status["nats_url"], inbox_prefix=status["nats_users"]["client"]["inbox_prefix"]
    )
    fire = subjects.command(subjects.Verb.FIRE)
    await client.jetstream().publish(fire, b"{}")
    await client.close()
    async with admin_connection(Installation(status["nats_url"], admin_password(etp), "")) as admin:
        await admin.jetstream().delete_stream("TRIGGER_EVENTS")
    assert not (streams / "TRIGGER_EVENTS").exists()

    async def until_said(*words: str) -> None:
        await eventually(
            lambda: all(word in etp.printed.read_text() for word in words), within=30, what=words
        )

    async def removed(folder: Path) -> None:
        shutil.rmtree(folder)
        await until_said(f"{ANEW} {folder.parent if folder.name == 'msgs' else folder}\n")

    await removed(streams / "TRIGGER_DEAD")
    await until_said("Streams without a message were missing, and are there again")
    await etp.until_ready()
    assert (streams / "TRIGGER_DEAD" / "msgs").is_dir()

    await removed(streams / "TRIGGER_INGRESS" / "msgs")
    await until_said(
        "the stream TRIGGER_INGRESS ends at sequence 0",
        f"etp rebuild --accept-loss --data-dir '{etp.root}'",
    )
    await removed(streams / "TRIGGER_COMMANDS")
    await until_said("the stream TRIGGER_COMMANDS is missing")
    assert etp.printed.read_text().count(ANEW) == 3
