"""The secrets of the Compose files: made once, each in its reader's folder, and written anew."""

import hashlib
import json
import os
import re
import stat
from pathlib import Path

import pytest

from trigger_admin import compose_secrets
from trigger_admin.errors import AdminError
from trigger_contracts.targets.sealing import public_of
from trigger_contracts.topology import PERMISSIONS

DEPLOY = Path(__file__).parents[3] / "deploy"
COMPOSE = DEPLOY / "compose"
MONITORING = DEPLOY / "monitoring"


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_they_are_made_once_and_stay(tmp_path):
    assert compose_secrets.make(tmp_path)
    first = contents(tmp_path)
    assert not compose_secrets.make(tmp_path)
    assert contents(tmp_path) == first


def test_the_brokers_alone_and_together_let_targets_publish_where_they_are_told(tmp_path):
    compose_secrets.make(tmp_path, target_subjects=("acme.>",))
    for name in ("nats.conf", "cluster.conf"):
        told = (tmp_path / "nats" / name).read_text()
        assert '"acme.>"' in told
        assert '"out.>"' not in told


def test_a_new_key_is_added_when_it_is_asked_for_and_the_old_one_stays(tmp_path):
    compose_secrets.make(tmp_path, add_sealing_key=True)
    first = contents(tmp_path)["deliver/sealing_keys"]
    assert contents(tmp_path)["api/sealing_public_key"] == public_of(first)
    compose_secrets.make(tmp_path, add_sealing_key=True)
    new, _, old = contents(tmp_path)["deliver/sealing_keys"].partition(",")
    assert old == first
    assert contents(tmp_path)["api/sealing_public_key"] == public_of(new)
    assert not compose_secrets.make(tmp_path)
    assert contents(tmp_path)["deliver/sealing_keys"] == f"{new},{old}"


@pytest.mark.parametrize("spoilt", [["short"], [7], 7])
def test_a_key_that_is_none_is_not_made_anew(tmp_path, spoilt):
    compose_secrets.make(tmp_path)
    kept = json.loads((tmp_path / "kept.json").read_text())
    kept["platform"]["sealing"] = spoilt
    (tmp_path / "kept.json").write_text(json.dumps(kept))
    with pytest.raises(AdminError, match="broken"):
        compose_secrets.make(tmp_path)


def test_two_installations_share_none(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        compose_secrets.make(tmp_path / name)
    one, other = contents(tmp_path / "one"), contents(tmp_path / "other")
    assert one.keys() == other.keys()
    assert not [name for name in one if one[name] == other[name]]


def test_only_its_owner_enters_the_folder_and_any_user_of_a_container_reads_its_files(tmp_path):
    compose_secrets.make(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "kept.json").stat().st_mode) == 0o600
    for path in tmp_path.rglob("*/*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755


def test_a_strict_umask_hides_nothing_from_the_containers(tmp_path):
    """Where the clone was made under it as well: a broker's root has no capability to read that."""
    health = tmp_path / "broker-health"
    health.write_bytes((COMPOSE / "broker-health").read_bytes())
    health.chmod(0o700)
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    before = os.umask(0o077)
    try:
        compose_secrets.make(folder, health, MONITORING)
    finally:
        os.umask(before)
    copied = folder / "nats" / "broker-health"
    assert copied.read_bytes() == health.read_bytes()
    below = [path for path in folder.rglob("*") if path.name != "kept.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in below if path.is_file()} == {0o444}
    assert {stat.S_IMODE(path.stat().st_mode) for path in below if path.is_dir()} == {0o755}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_prometheus_and_grafana_are_told_what_this_version_has_and_nothing_older(tmp_path):
    for name in ("prometheus/old-rules.yaml", "grafana-dashboards/gone.json"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("of a version before")
    compose_secrets.make(tmp_path, monitoring=MONITORING)
    for target, source in (
        ("prometheus", (MONITORING / "prometheus.yaml", MONITORING / "rules.yaml")),
        ("grafana-dashboards", tuple((MONITORING / "grafana/dashboards").iterdir())),
    ):
        wanted = {path.name: path.read_text() for path in source}
        assert contents(tmp_path / target) == wanted
    provisioned = contents(tmp_path / "grafana-provisioning")
    assert provisioned == contents(MONITORING / "grafana/provisioning")
    assert provisioned.keys() == {"dashboards/etp.yaml", "datasources/prometheus.yaml"}


def test_a_file_that_is_gone_is_written_again_and_a_new_user_gets_a_password(tmp_path):
    compose_secrets.make(tmp_path)
    before = contents(tmp_path)
    (tmp_path / "api" / "nats_password").unlink()
    kept = json.loads((tmp_path / "kept.json").read_text())
    del kept["platform"]["nats"]["reader"]
    (tmp_path / "kept.json").write_text(json.dumps(kept))
    compose_secrets.make(tmp_path)
    after = contents(tmp_path)
    assert after["api/nats_password"] == before["api/nats_password"]
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {
        "kept.json",
        "nats/nats.conf",
        "nats/cluster.conf",
        "you/nats_reader_password",
    }


def test_a_start_that_was_killed_is_repeated(tmp_path):
    compose_secrets.make(tmp_path)
    first = contents(tmp_path)
    (tmp_path / "api" / ".nats_password.part").write_text("half")
    compose_secrets.make(tmp_path)
    assert contents(tmp_path) == first


@pytest.mark.parametrize("broken", ["", "{", "[]", '"kept"', '{"platform": []}'])
def test_a_broken_one_is_left_as_it_is_and_said(tmp_path, broken):
    (tmp_path / "kept.json").write_text(broken)
    with pytest.raises(AdminError, match="is broken"):
        compose_secrets.make(tmp_path)
    assert contents(tmp_path) == {"kept.json": broken}


def test_the_gateway_gets_no_more_of_the_key_than_its_hash(tmp_path):
    compose_secrets.make(tmp_path)
    key = (tmp_path / "you" / "api_key").read_text()
    key_id, secret = key.removeprefix("etp_").split(".")
    hashed = (tmp_path / "api" / "bootstrap_key_hash").read_text()
    assert hashed == f"{key_id}:{hashlib.sha256(secret.encode()).hexdigest()}"
    assert not [path for path in (tmp_path / "api").iterdir() if secret in path.read_text()]


def test_each_file_that_the_compose_files_name_is_made(tmp_path):
    compose_secrets.make(tmp_path, COMPOSE / "broker-health")
    services = (COMPOSE / "compose.yaml").read_text().partition("\nservices:\n")[2]
    named = 0
    for service in re.split(r"(?m)^  (?=\w+:$)", services):
        folder = re.search(r"\./secrets/(\w+):/run/secrets:ro", service)
        for name in re.findall(r"/run/secrets/([\w.-]+)", service):
            assert folder is not None, service
            assert (tmp_path / folder[1] / name).is_file(), name
            named += 1
    assert named > len(PERMISSIONS)


def test_none_is_committed():
    ignored = (COMPOSE / "secrets" / ".gitignore").read_text().splitlines()
    assert ignored[-2:] == ["*", "!.gitignore"]
