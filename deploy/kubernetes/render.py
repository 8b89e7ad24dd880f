"""Writes what is made of something else: the broker's ``nats.conf``, alerts and ``install.yaml``.

Run it after the platform's permissions, an alert or a manifest changed:
``.venv/bin/python deploy/kubernetes/render.py``. It needs ``requirements/kubernetes.txt``; a test
fails while a file is stale. With ``--nats-conf`` it writes the broker's alone, for an overlay
whose NATS targets may publish to other subjects: those of ETP_TARGET_SUBJECTS.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from trigger_admin import accounts
from trigger_contracts.targets.nats_subjects import DEFAULT
from trigger_contracts.topology import MAX_WAITING_MESSAGES, PERMISSIONS
from trigger_runtime.process.target_settings import TargetSubjectSettings

HERE = Path(__file__).parent
NATS_CONF = HERE / "components" / "nats" / "nats.conf"
RULES = HERE.parent / "monitoring" / "rules.yaml"
ALERTS = HERE / "components" / "monitoring" / "alerts.yaml"
INSTALL = HERE / "install.yaml"
NODES = 3

_VARIABLE = re.compile(r'"(\$[A-Z0-9_]+)"')


def password_variable(user: str) -> str:
    """What the broker's container is told the user's password by, from a Secret."""
    return f"NATS_{user.upper()}_PASSWORD"


def nats_configuration(target_subjects: Sequence[str] = DEFAULT) -> str:
    """The broker's configuration, without a secret: it holds the names of variables for them.

    NATS targets may publish to ``target_subjects``.
    """
    cluster = password_variable("cluster")
    configuration = {
        "server_name": "$POD_NAME",
        "port": 4222,
        "http_port": 8222,
        "pid_file": "/tmp/nats.pid",  # noqa: S108 (the container's own)
        "max_payload": 1024 * 1024,
        "ping_interval": "10s",
        # Without "always" an acknowledged message may be lost for two minutes (power failure).
        "jetstream": {
            "store_dir": "/data",
            "sync_interval": "always",
            "max_buffered_msgs": MAX_WAITING_MESSAGES,
        },
        # A listener that does not read is cut off; it must not slow down who publishes.
        "no_fast_producer_stall": True,
        # Clients are sent to other nodes before this one goes: the least that the server takes.
        "lame_duck_grace_period": "10s",
        "lame_duck_duration": "30s",
        "cluster": {
            "name": "etp",
            "port": 6222,
            # Clients know the Service, which knows the pods: addresses of pods do not last.
            "no_advertise": True,
            "authorization": {"user": "cluster", "password": f"${cluster}"},
            # Whole addresses, for the server puts no variable into a text.
            "routes": [f"$NATS_ROUTE_{number}" for number in range(NODES)],
        },
        "accounts": accounts.configuration(
            {str(user): f"${password_variable(user)}" for user in PERMISSIONS},
            target_subjects,
        ),
    }
    # Variables are written without quotes, or the server takes them for text.
    text = _VARIABLE.sub(r"\1", json.dumps(configuration, indent=2))
    return f"# Written by deploy/kubernetes/render.py.\n{text}\n"


def alerts() -> str:
    """Prometheus' own file of rules, as its operator takes it."""
    return (
        "# Written by deploy/kubernetes/render.py from deploy/monitoring/rules.yaml.\n"
        "apiVersion: monitoring.coreos.com/v1\n"
        "kind: PrometheusRule\n"
        "metadata:\n"
        "  name: etp\n"
        "  labels:\n"
        "    app.kubernetes.io/part-of: event-trigger-platform\n"
        "spec:\n" + textwrap.indent(RULES.read_text(encoding="utf-8"), "  ")
    )


def kubectl() -> str:
    """The wheel's, beside this interpreter, else the machine's own."""
    own = Path(sys.executable).with_name("kubectl")
    return str(own) if own.exists() else shutil.which("kubectl") or "kubectl"


def rendered(folder: Path) -> str:
    """A kustomization as plain manifests. Raises CalledProcessError, and kubectl says why."""
    done = subprocess.run(  # noqa: S603 (a program and a folder of ours)
        [kubectl(), "kustomize", str(folder)], check=True, capture_output=True, text=True
    )
    return done.stdout


def installation() -> str:
    """``install.yaml``: the overlay ``try``, for whoever applies one file."""
    overlay = rendered(HERE / "overlays" / "try")
    return f"# Written by deploy/kubernetes/render.py from overlays/try.\n{overlay}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--nats-conf",
        type=Path,
        metavar="FILE",
        help="only the broker's configuration, into this file of an overlay of your own",
    )
    given = parser.parse_args()
    if given.nats_conf:
        subjects = TargetSubjectSettings().subjects()
        given.nats_conf.write_text(nats_configuration(subjects), encoding="utf-8")
        return
    NATS_CONF.write_text(nats_configuration(), encoding="utf-8")
    ALERTS.write_text(alerts(), encoding="utf-8")
    INSTALL.write_text(installation(), encoding="utf-8")


if __name__ == "__main__":
    main()
