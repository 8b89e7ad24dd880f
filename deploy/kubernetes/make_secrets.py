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
import base64
import hashlib
import json
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

SERVICES = ("api", "scheduler", "executor", "retention")
WITH_DATABASE = {
    "api": "api",
    "scheduler": "scheduler",
    "deliver": "executor",
    "retention": "retention",
}
"""Who connects to PostgreSQL, and as which service's role: ``deliver`` is the executor's."""
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
        f"etp-{name}": {"nats-password": nats["executor" if name == "deliver" else name]}
        for name in (*SERVICES, "deliver")
    }
    for name, service in WITH_DATABASE.items():
        made[f"etp-{name}"]["database-url"] = as_role(admin_url, f"etp_{service}", roles[service])
    private = secrets.token_bytes(32)
    made["etp-deliver"]["sealing-keys"] = as_text(private)
    made["etp-api"]["sealing-public-key"] = as_text(public_half(private))
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


def as_text(key: bytes) -> str:
    """As the settings have it: base64url without padding."""
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def public_half(private: bytes) -> bytes:
    """X25519 (RFC 7748, section 5) of a private key and the base point, by plain integers: this
    program needs nothing that is installed, and nobody measures the time that it takes once.
    """
    prime, a24 = 2**255 - 19, 121665
    scalar = int.from_bytes(private, "little") & ~7 & (2**255 - 1) | 2**254
    x_1, x_2, z_2, x_3, z_3, swapped = 9, 1, 0, 9, 1, 0
    for place in reversed(range(255)):
        bit = (scalar >> place) & 1
        if swapped != bit:
            x_2, x_3, z_2, z_3 = x_3, x_2, z_3, z_2
        swapped = bit
        a, b, c, d = x_2 + z_2, x_2 - z_2, x_3 + z_3, x_3 - z_3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x_3, z_3 = (da + cb) ** 2 % prime, x_1 * (da - cb) ** 2 % prime
        x_2, z_2 = aa * bb % prime, e * (aa + a24 * e) % prime
    if swapped:
        x_2, z_2 = x_3, z_3
    return (x_2 * pow(z_2, prime - 2, prime) % prime).to_bytes(32, "little")


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
