"""Programs and a base system from Debian's packages, by the machine's own mirror.

Debian 12's engine is too old for ``healthcheck.start_interval``, so the engine is the next
release's, unpacked and not installed; ``runc`` is the machine's, for that release's needs a newer
libc. What was fetched stays in ``build/engine`` of the checkout.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
KEPT = ROOT / "build" / "engine"

RELEASE = "trixie"
"""Debian 13: its engine is 26.1, its Python 3.13 that of the Dockerfile."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

ENGINE_PACKAGES = ("docker.io", "containerd", "docker-compose")
BASE_PACKAGES = ("python3", "python3-venv", "ca-certificates")

NEEDED = {
    "runc": "runc",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "prometheus": "prometheus",
}
"""Programs of the machine, and the packages that they are in."""
BUSYBOX = Path("/bin/busybox")

FETCH_TIMEOUT_S = 600


class MissingError(Exception):
    """What this machine lacks for an engine of our own, as a sentence."""


def check_machine() -> None:
    """Raises MissingError unless an engine can be started here."""
    if os.geteuid() != 0:
        raise MissingError("no container engine answers, and only root can start one")
    missing = [package for program, package in NEEDED.items() if _which(program) is None]
    if not BUSYBOX.exists():
        missing.append("busybox-static")
    if missing:
        raise MissingError(
            f"no container engine answers, and for one of our own this machine lacks "
            f"{', '.join(missing)}: apt-get install {' '.join(missing)}"
        )


def engine_path() -> str:
    """``PATH`` with the engine's programs first."""
    unpacked = _unpacked()
    own = (unpacked / "usr/sbin", unpacked / "usr/bin")
    return os.pathsep.join((*map(str, own), os.environ["PATH"], "/usr/sbin", "/sbin"))


def compose() -> Path:
    """The ``docker-compose`` program: Compose 2.26, which builds without buildx."""
    return _unpacked() / "usr/libexec/docker/cli-plugins/docker-compose"


def base_system() -> Path:
    """A tar of a small Debian with Python: what the Dockerfile's base image is made of."""
    made = KEPT / f"base-{RELEASE}.tar"
    with alone("base"):
        if not made.exists():
            part = made.with_suffix(".part.tar")
            without = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")
            run(
                ("mmdebstrap", "--variant=minbase", f"--include={','.join(BASE_PACKAGES)}"),
                *((f"--dpkgopt=path-exclude={path}",) for path in without),
                (f"--keyring={KEYRING}", RELEASE, str(part), mirror()),
            )
            part.rename(made)
    return made


def mirror() -> str:
    """Where this machine has its packages from, as its own configuration says."""
    sources = Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))
    for path in sources:
        if path.suffix in {".list", ".sources"} and path.is_file():
            text = re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE)
            for address in re.findall(r"\b(?:https?|file)://\S+", text):
                if re.search(r"/debian/?$", address):
                    return str(address)
    raise MissingError("this machine's package sources name no mirror of Debian")


@contextlib.contextmanager
def alone(what: str) -> Iterator[None]:
    """One process at a time makes it; another one's is waited for."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(*parts: Sequence[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run one program to its end; what it printed. Raises AssertionError with all of that."""
    argv = [word for part in parts for word in part]
    done = subprocess.run(
        argv,
        check=False,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=FETCH_TIMEOUT_S,
    )
    assert done.returncode == 0, f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def _unpacked() -> Path:
    unpacked = KEPT / "docker"
    with alone("docker"):
        if not unpacked.exists():
            _fetch_engine(unpacked)
    return unpacked


def _fetch_engine(unpacked: Path) -> None:
    """Lists and packages of the next release alone: the machine's own are left as they are."""
    part = unpacked.with_name("docker.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    with tempfile.TemporaryDirectory(prefix="etp-apt-") as folder:
        home = Path(folder)
        for place in ("lists/partial", "cache/archives/partial"):
            (home / place).mkdir(parents=True)
        (home / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {RELEASE} main\n")
        options = {
            "Dir::Etc::sourcelist": home / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": home / "lists",
            "Dir::Cache": home / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        apt = ("apt-get", *(word for k, v in options.items() for word in ("-o", f"{k}={v}")))
        run(apt, ("update",))
        run(apt, ("download", *ENGINE_PACKAGES), cwd=home)
        for package in sorted(home.glob("*.deb")):
            run(("dpkg-deb", "-x", str(package), str(part)))
    part.rename(unpacked)


def which(program: str) -> Path:
    """A program that ``check_machine`` found."""
    found = _which(program)
    assert found is not None, program
    return Path(found).resolve()


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
