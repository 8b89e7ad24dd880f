"""Makes every Secret that the manifests name, once, and prints them for kubectl. None is kept here.

``python3 deploy/kubernetes/make_secrets.py | kubectl create -f -``: create, and not apply, so that
a second run changes nothing of what the servers already know. The first API key goes to standard
error; the cluster gets its hash alone. Needs Python 3.9 and nothing else.

For a vault, ``--entries FOLDER`` writes files instead, one for each entry that the component
external-secrets looks for: ``api.json`` is ``event-trigger-platform/api``.

Where PostgreSQL is your own, ``--database-url`` is its superuser's URL with the platform's database
as the path; without it, the one of the component postgres-dev is meant.
"""

import argparse
import hashlib
import json
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

SERVICES = ("api", "scheduler", "executor", "retention")
WITH_DATABASE = ("api", "scheduler", "retention")
NATS_USERS = (*SERVICES, "client", "reader", "admin", "cluster")
OWNER = "etp_admin"
"""The superuser of the component postgres-dev."""


def make(database_url: "str | None") -> "tuple[dict[str, dict[str, str]], str]":
    """Each Secret's values by its name, and the first API key in plain text."""
    nats = {user: password() for user in NATS_USERS}
    roles = {service: password() for service in SERVICES}
    owner = password()
    admin_url = database_url or f"postgresql://{OWNER}:{owner}@etp-postgres:5432/etp"
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    made = {
        f"etp-{service}": {
            "nats-password": nats[service],
            **(
                {"database-url": as_role(admin_url, f"etp_{service}", roles[service])}
                if service in WITH_DATABASE
                else {}
            ),
        }
        for service in SERVICES
    }
    digest = hashlib.sha256(secret.encode()).hexdigest()
    made["etp-api"]["bootstrap-key-hash"] = f"{key_id}:{digest}"
    made["etp-api"]["session-secret"] = secrets.token_urlsafe(32)
    made["etp-admin"] = {
        "nats-password": nats["admin"],
        "database-url": admin_url,
        **{f"{service}-password": roles[service] for service in SERVICES},
    }
    made["etp-nats"] = nats
    if database_url is None:
        made["etp-postgres"] = {"password": owner}
    return made, f"etp_{key_id}.{secret}"


def password() -> str:
    """Letters and digits, for it stands in URLs; a letter first, or the broker reads a number."""
    return f"p{secrets.token_hex(24)}"


def as_role(url: str, role: str, its_password: str) -> str:
    """The same server, database and options, another user."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{its_password}@{host}"))


def manifests(made: "dict[str, dict[str, str]]", namespace: str) -> "dict[str, object]":
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "labels": {"app.kubernetes.io/part-of": "event-trigger-platform"},
                },
                "type": "Opaque",
                "stringData": values,
            }
            for name, values in made.items()
        ],
    }


def write_entries(made: "dict[str, dict[str, str]]", folder: Path) -> None:
    """A file for each Secret, in a new folder that its owner alone may enter."""
    folder.mkdir(mode=0o700)
    for name, values in made.items():
        entry = folder / (name[len("etp-") :] + ".json")
        entry.write_text(json.dumps(values, indent=2), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--namespace", default="event-trigger-platform")
    parser.add_argument("--database-url", help="PostgreSQL's, of its superuser, with the database")
    parser.add_argument("--entries", type=Path, metavar="FOLDER", help="for a vault; made anew")
    given = parser.parse_args()
    made, api_key = make(given.database_url)
    if given.entries:
        write_entries(made, given.entries)
    else:
        json.dump(manifests(made, given.namespace), sys.stdout, indent=2)
    print(f"API key, shown this once: {api_key}", file=sys.stderr)


if __name__ == "__main__":
    main()
