"""Each variable is a setting of the service that gets it, and the service starts with them."""

from pathlib import Path, PurePosixPath

import pytest

from deploy.kubernetes import make_secrets
from docs.make_settings import SERVICES as SETTINGS
from tests.kubernetes.manifests import OVERLAYS, Workload, environment, manifests, workloads
from tests.kubernetes.test_pods import secret_folders
from trigger_admin.settings import ProvisionSettings
from trigger_runtime.process.environment import PREFIX, Names

OF_PROGRAMS = {
    **SETTINGS,
    "deliver": SETTINGS["executor"],
    "provision": ProvisionSettings,
}

overlays = pytest.mark.parametrize("overlay", OVERLAYS)
programs = pytest.mark.parametrize("program", OF_PROGRAMS)


@programs
@overlays
def test_a_programs_variables_are_its_settings(overlay: str, program: str) -> None:
    fields = OF_PROGRAMS[program].model_fields.items()
    known = {name for field, info in fields for name in Names.of(field, info).all}
    given = environment(workload(overlay, program), manifests(overlay))
    assert {name for name in given if name.startswith(PREFIX)} - known == set()


@programs
@overlays
def test_a_program_can_be_configured_by_its_variables(
    overlay: str, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = workload(overlay, program)
    made, _ = make_secrets.make(None)
    folders = secret_folders(one)
    for name, value in environment(one, manifests(overlay)).items():
        assert value is not None
        path = PurePosixPath(value)
        if name.endswith("_FILE"):
            held = made[folders[str(path.parent)]][path.name]
            (tmp_path / path.name).write_text(held, encoding="utf-8")
        monkeypatch.setenv(name, str(tmp_path / path.name) if name.endswith("_FILE") else value)
    settings = OF_PROGRAMS[program]()
    holder = "admin" if program == "provision" else program
    user = "executor" if program == "deliver" else holder
    assert settings.nats_user == user
    assert settings.nats_url == "nats://etp-nats:4222"
    assert settings.nats_password.get_secret_value() == made["etp-nats"][user]
    if program != "executor":
        url = settings.database_url.get_secret_value()
        assert url == made[f"etp-{holder}"]["database-url"]
    match program:
        case "provision":
            password = settings.executor_password.get_secret_value()
            assert password == made["etp-admin"]["executor-password"]
        case "executor":
            assert settings.roles() == {"record"}
            assert (settings.database_url, settings.opening_keys()) == (None, None)
        case "deliver":
            assert settings.roles() == {"deliver"}
            keys = settings.opening_keys()
            assert keys is not None
            assert keys.current.text == made["etp-api"]["sealing-public-key"]
        case "api":
            assert settings.sealing_public_key == made["etp-api"]["sealing-public-key"]
            assert (settings.http_host, settings.http_port) == ("0.0.0.0", 8080)
            assert (settings.operations_host, settings.operations_port) == ("0.0.0.0", 8081)
            assert settings.bootstrap_key_hash == made["etp-api"]["bootstrap-key-hash"]
        case _:
            assert (settings.http_host, settings.http_port) == ("0.0.0.0", 8081)


def workload(overlay: str, name: str) -> Workload:
    [one] = [w for w in workloads(manifests(overlay)) if w.service == name]
    return one
