"""A wrong setting ends the start with one line, and a variable that nobody knows is named."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from trigger_api.settings import Settings as ApiSettings
from trigger_cli.cli import gateway
from trigger_runtime.process.listening import ListenAddress, refusal
from trigger_runtime.process.setting_errors import EXIT_CODE, explain
from trigger_runtime.process.variable_names import unknown
from trigger_scheduler.settings import Settings as SchedulerSettings

DATABASE = "postgresql://someone:hunter2@127.0.0.1/etp"
WRONG = "ftp://someone:hunter2@gateway"
SERVICES = ("api", "scheduler", "executor", "retention")


def refused(program: str, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Exit code and what was said; nothing is printed to standard output."""
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "it does not begin with http"),
        ("127.0.0.1:8000", "it does not begin with http"),
        ("ftp://gateway", "it does not begin with http"),
        ("http://", "it has no host and port that could be"),
        ("http://[::1", "it has no host and port that could be"),
        ("http://gate way", "it has no host and port that could be"),
        ("http://gateway:65536", "it has no host and port that could be"),
        ("http://gateway:http", "it has no host and port that could be"),
        ("https://someone:hunter2@gateway", "it has more than a host, a port and a path"),
        ("https://gateway/?key=hunter2", "it has more than a host, a port and a path"),
    ],
)
def test_what_is_no_address_of_a_gateway_is_named_by_its_variable_or_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, why: str
) -> None:
    wanted = f"is not the address of a gateway: {why}"
    monkeypatch.setenv("ETP_API_KEY", "k")
    for name, option, variable in (
        ("ETP_URL", None, url),
        ("--url", url, "http://127.0.0.1:1"),
    ):
        monkeypatch.setenv("ETP_URL", variable)
        with pytest.raises(SystemExit) as ended:
            gateway(option, None)
        assert ended.value.code == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"etp: {name} {wanted}"), line
        assert line.endswith("Allowed: Address of the gateway, such as http://127.0.0.1:8000.")
        assert "hunter2" not in line


@pytest.mark.parametrize(("name", "arguments"), [("ETP_URL", ()), ("--url", ("--url", WRONG))])
def test_an_import_ends_with_what_is_no_address(name: str, arguments: tuple[str, ...]) -> None:
    code, (line,) = refused(
        "trigger_cli", "import", "-", *arguments, ETP_API_KEY="k", ETP_URL=WRONG
    )
    assert code == 1
    assert line.startswith(f"etp: {name} is not the address of a gateway: it does not begin"), line
    assert "hunter2" not in line


def test_an_option_that_is_wrong_is_named_and_not_the_variable_that_it_overrides() -> None:
    code, lines = refused(
        *("trigger_admin", "rebuild", "--nats-url", "ftp://hunter2", "--nats-password", "hunter2"),
        ETP_NATS_URL="nats://127.0.0.1",
        ETP_DATABASE_URL="mysql://hunter2",
    )
    assert code == 1
    option, variable = lines
    assert option.startswith("etp: --nats-url holds no address such as nats://host:4222")
    assert variable.startswith("etp: ETP_DATABASE_URL does not begin with postgresql://")
    assert "hunter2" not in option + variable


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("trigger_admin", "provision", "--replicas", "9"),
            "'--replicas': Input should be less than or equal to 5. See python -m trigger_admin ",
        ),
        (("trigger_admin", "provision", "--replicas", "few"), "'--replicas': Input should be a"),
        (("trigger_admin", "records", "remove", "TRIGGER_DUE", "0"), "'seq': Input should be "),
        (("trigger_admin", "backup"), "Missing argument 'folder'. See python -m trigger_admin bac"),
        (("trigger_local", "up", "--port", "70000"), "'--port': Input should be less than or eq"),
        (("trigger_local", "status", "--data-dir", __file__), "'--data-dir': "),
        (("trigger_local", "status", "--jsn"), "No such option: --jsn"),
        (("trigger_local", "sttus"), "No such command 'sttus'"),
        (("trigger_cli", "import"), "Missing argument 'file'"),
    ],
)
def test_arguments_that_a_command_does_not_take_are_said_in_a_line(
    arguments: tuple[str, ...], said: str
) -> None:
    code, (line,) = refused(*arguments)
    assert code == EXIT_CODE
    assert line.startswith("etp: ")
    assert said in line


@pytest.mark.parametrize("service", SERVICES)
def test_a_wrong_setting_ends_a_start_with_a_line_for_each(service: str) -> None:
    code, said = refused(
        f"trigger_{service}",
        ETP_DATABASE_URL=DATABASE,
        ETP_HTTP_PORT="70000",
        ETP_NATS_PASSWORD_FILE="/nowhere/password",
    )
    assert code == EXIT_CODE
    port, password = sorted(said, key=lambda line: "PASSWORD" in line)
    assert "ETP_HTTP_PORT (70000) is too large. Allowed: a whole number from 0 to 65535." in port
    assert "ETP_NATS_PASSWORD_FILE names /nowhere/password, which does not exist. Al" in password


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ETP_CLAIM_BATCH", "many", "is no whole number. Allowed: a whole number from 1 to 1000."),
        ("ETP_CLAIM_BATCH", "0", "(0) is too small. Allowed: a whole number from 1 to 1000."),
        ("ETP_CROWD_CLAIMERS", "99", "(99) is too large. Allowed: a whole number from 0 to 16."),
        ("ETP_MAX_TRIGGERS", "-1", "(-1) is too small. Allowed: a whole number, at least 1."),
        ("ETP_CLAIM_POLL", "soon", "is no length of time. Allowed: a length of time such as 500ms"),
        (
            "ETP_KEPT_FOR",
            "49h",
            "(49h) is too large. Allowed: a length of time such as 500ms, 30s,",
        ),
        (
            "ETP_LOG_LEVEL",
            "loud",
            "(loud) is none of these. Allowed: debug, info, warning or error.",
        ),
        ("ETP_NATS_URL", "http://hunter2", "holds no address such as nats://host:4222 or tls://"),
        # Their client would need packages that no service has.
        ("ETP_NATS_URL", "nats://a,ws://b", "holds no address such as nats://host:4222 or tls://"),
        ("ETP_NATS_URL", "wss://hunter2", "holds no address such as nats://host:4222 or tls://"),
        ("ETP_NATS_URL", "", "holds no address such as nats://host:4222 or tls://host:4222."),
        (
            "ETP_NATS_URL",
            "a:1,b:hunter2",
            "holds no address such as nats://host:4222 or tls://host",
        ),
        ("ETP_DATABASE_URL", "hunter2", "does not begin with postgresql://. Allowed: PostgreSQL"),
        ("ETP_DATABASE_URL", "", "does not begin with postgresql://. Allowed: PostgreSQL address"),
    ],
)
def test_a_line_says_what_is_wrong_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv("ETP_DATABASE_URL", DATABASE)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as refusing:
        SchedulerSettings()
    (line,) = explain(SchedulerSettings, refusing.value)
    assert line.startswith(f"{variable} {said}")
    assert "hunter2" not in line


@pytest.mark.parametrize("service", ["api", "executor"])
def test_an_address_that_somebody_has_taken(service: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, (line,) = refused(
            f"trigger_{service}", ETP_DATABASE_URL=DATABASE, ETP_HTTP_PORT=str(port)
        )
    assert code == EXIT_CODE
    assert f"ETP_HTTP_HOST and ETP_HTTP_PORT name 127.0.0.1:{port}, where nothing can be" in line
    assert "(Address already in use). Allowed: an address of this machine, and a port" in line


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1", "a" * 64 + ".example"])
def test_an_address_that_is_not_this_machines(host: str) -> None:
    settings = ApiSettings(database_url=DATABASE, operations_host=host, operations_port=8081)
    public, operations = settings.listeners()
    assert (public.host, public.port) == ("127.0.0.1", 8080)
    said = refusal(operations)
    assert said is not None
    assert said.startswith(
        f"ETP_OPERATIONS_HOST and ETP_OPERATIONS_PORT name {host}:8081, where nothing can be served"
    )


def test_addresses_that_may_be_listened_at() -> None:
    for host in ("127.0.0.1", "0.0.0.0", "localhost", ""):
        assert refusal(ListenAddress(host, 0, "ETP_HTTP_HOST", "ETP_HTTP_PORT")) is None, host


def test_a_setting_that_is_not_there_is_named_with_its_file() -> None:
    code, (line,) = refused("trigger_scheduler")
    assert code == EXIT_CODE
    assert "ETP_DATABASE_URL is not set, and ETP_DATABASE_URL_FILE is not either. Allowed: " in line


def test_two_settings_that_contradict_each_other_are_both_named() -> None:
    code, (line,) = refused(
        "trigger_retention", ETP_DATABASE_URL=DATABASE, ETP_ACTIVE_FOR="3h", ETP_KEPT_FOR="2h"
    )
    assert code == EXIT_CODE
    assert (
        "ETP_ACTIVE_FOR (3h) is not shorter than ETP_KEPT_FOR. Allowed: a length of time below 2h."
    ) in line


def test_it_is_said_in_json_where_the_log_is() -> None:
    code, (line,) = refused("trigger_scheduler", ETP_LOG_FORMAT="json")
    said = json.loads(line)
    assert (code, said["level"], said["service"]) == (EXIT_CODE, "critical", "scheduler")
    assert said["event"].startswith("ETP_DATABASE_URL is not set")


def test_what_was_misspelt_is_said_with_what_is_missing() -> None:
    code, said = refused("trigger_scheduler", ETP_DATABSE_URL=DATABASE)
    assert code == EXIT_CODE
    assert "ETP_DATABSE_URL is no setting: perhaps ETP_DATABASE_URL is meant" in said[0]
    assert "ETP_DATABASE_URL is not set" in said[1]
    assert "hunter2" not in "".join(said)


def test_an_administrators_command_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    code, said = refused(
        "trigger_admin",
        "provision",
        ETP_NATS_URL="nats://127.0.0.1:1,nats://127.0.0.1:2",
        ETP_NATS_PASSWORD_FILE=str(tmp_path / "empty"),
        ETP_DATABASE_URL=DATABASE,
        ETP_API_PASSWORD="hunter2",
        ETP_SCHEDULER_PASSWORD="hunter2",
        ETP_EXECUTOR_PASSWORD="hunter2",
    )
    assert code == 1
    assert [line.partition(". ")[0] for line in said] == [
        f"etp: ETP_NATS_PASSWORD_FILE names {tmp_path}/empty, which is empty",
        "etp: ETP_RETENTION_PASSWORD is not set, and ETP_RETENTION_PASSWORD_FILE is not either",
    ]


def test_a_clients_command_says_the_same() -> None:
    code, said = refused("trigger_cli", "import", "-", ETP_URL="http://127.0.0.1:1")
    assert code == 1
    (line,) = said
    assert line.startswith("etp: ETP_API_KEY is not set, and ETP_API_KEY_FILE is not either. Al")


def test_etp_asks_for_the_rest_of_servers_elsewhere() -> None:
    program = "from trigger_local.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "rebuild", "--nats-url", "nats://127.0.0.1:1"],
        env={"ETP_DATABASE_URL": DATABASE},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("etp: ETP_NATS_PASSWORD is not set, and ETP_NATS_PASSWORD_FILE")
    assert len(done.stderr.splitlines()) == 1


def test_variables_that_nobody_knows_are_found() -> None:
    environment = {
        "ETP_CLAIM_BATCH": "1",
        "etp_claim_batch": "1",
        "ETP_SESSION_SECRET_FILE": "/x",
        "ETP_CROWD_CLAIMERS": "1",
        "ETP_RETENTION_PASSWORD": "x",
        "ETP_TEST_SERVERS": "auto",
        "ETP_API_SERVICE_HOST": "10.0.0.1",
        "ETP_API_PORT_8080_TCP_ADDR": "10.0.0.1",
        "ETP_API_SERVICE_PORT_HTTP": "8080",
        "ETP_API_PORT": "tcp://10.0.0.1:8080",
        "ETP_OPERATION_PORT": "8081",
        "CLAIM_BATCH": "1",
        "ETP_CLAIM_BACH": "1",
        "ETP_CLAIM_BATCH_FILE": "/x",
        "ETP_SOMETHING_ELSE_ENTIRELY": "1",
    }
    assert dict(unknown(environment)) == {
        "ETP_CLAIM_BACH": "ETP_CLAIM_BATCH",
        "ETP_CLAIM_BATCH_FILE": "ETP_CLAIM_BATCH",
        "ETP_OPERATION_PORT": "ETP_OPERATIONS_PORT",
        "ETP_SOMETHING_ELSE_ENTIRELY": None,
    }
