"""What a broker is told, alone and in a cluster, with its passwords and without."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trigger_admin import nats_config
from trigger_admin.cli import app
from trigger_admin.nats_config import Cluster
from trigger_contracts.topology import PERMISSIONS

PASSWORDS = {str(user): f"of {user}" for user in PERMISSIONS}
STORE = Path("/data")


def told(**options) -> dict:
    return json.loads(nats_config.configuration(PASSWORDS, store_dir=STORE, **options))


def test_a_server_alone_syncs_before_it_acknowledges_and_listens_where_it_is_told():
    config = told(port=1234)
    assert config["jetstream"] == {
        "store_dir": "/data",
        "sync_interval": "always",
        "max_buffered_msgs": 1000,
    }
    assert (config["host"], config["port"], config["server_name"]) == ("127.0.0.1", 1234, "etp")
    assert "cluster" not in config
    assert "http" not in config


def test_every_user_has_its_password_and_what_the_topology_allows():
    users = [u for account in told()["accounts"].values() for u in account["users"]]
    assert {u["user"]: u["password"] for u in users} == PASSWORDS
    reader = next(u for u in users if u["user"] == "reader")
    assert reader["permissions"]["publish"] == {"deny": [">"]}


def test_nats_targets_publish_where_the_operator_says_and_others_hear_it():
    config = told(target_subjects=("acme.*.paid", "hooks.>"))
    users = {u["user"]: u for account in config["accounts"].values() for u in account["users"]}
    may = {
        user: [
            s
            for s in one["permissions"][kind].get("allow", ())
            if s[:4] in ("acme", "hook", "out.")
        ]
        for kind in ("publish", "subscribe")
        for user, one in users.items()
        if kind == ("publish" if user == "executor" else "subscribe")
    }
    ours = ["acme.*.paid", "hooks.>"]
    assert {user: found for user, found in may.items() if found} == dict.fromkeys(
        ("executor", "client", "reader"), ours
    )
    for account in ("CLIENT", "READER"):
        heard = [
            one["stream"]["subject"]
            for one in config["accounts"][account]["imports"]
            if "stream" in one
        ]
        assert heard[-2:] == ours


@pytest.mark.parametrize("wrong", ["trigger.>", "*.orders", ">", "$JS.>", "_INBOX_x.>", "a b"])
def test_a_list_of_subjects_that_is_none_ends_the_command(
    wrong: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ETP_TARGET_SUBJECTS", wrong)
    ended = CliRunner().invoke(app, ["nats", "config"])
    assert ended.exit_code == 1
    assert "ETP_TARGET_SUBJECTS" in ended.stderr
    monkeypatch.setenv("ETP_TARGET_SUBJECTS", "acme.>, hooks.*")
    ended = CliRunner().invoke(app, ["nats", "config"])
    assert '"hooks.*"' in ended.stdout
    assert '"out.>"' not in ended.stdout


def test_the_nodes_of_a_cluster_share_a_file_and_are_named_by_their_command_line():
    config = told(
        host="0.0.0.0", server_name=None, cluster=Cluster("etp", ("a", "b", "c"), "between us")
    )
    assert "server_name" not in config
    assert config["cluster"] == {
        "name": "etp",
        "listen": "0.0.0.0:6222",
        "authorization": {"user": "route", "password": "between us"},
        "routes": [f"nats://route:between us@{node}:6222" for node in "abc"],
    }


def test_with_variables_no_password_stands_in_it():
    text = nats_config.with_variables("etp", store_dir=STORE)
    for user in PERMISSIONS:
        # Without quotes: nats-server would take a quoted one for the password itself.
        assert f'"password": $NATS_PASSWORD_{str(user).upper()},' in text
    assert '"routes": $NATS_ROUTES' in text
    assert '"$' not in text.replace('"$JS', "").replace('"$KV', "")
    assert "NATS_ROUTES" not in nats_config.with_variables(None, store_dir=STORE)
