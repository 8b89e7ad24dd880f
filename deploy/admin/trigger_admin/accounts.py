"""Who of the broker's users is in which account, and what passes between accounts.

The server checks the subject that a user publishes to, never the reply that it names, and stores a
stream's acknowledgement wherever that reply points. Between accounts it maps replies: so whoever
is not one of our services is in an account of its own, and names subjects of that account alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trigger_contracts.subjects import ALL_COMMANDS, ALL_INGRESS, RESULT_INBOXES
from trigger_contracts.targets.nats_subjects import DEFAULT as DEFAULT_TARGET_SUBJECTS
from trigger_contracts.topology import (
    EXTERNALS,
    PLATFORM_ACCOUNT,
    External,
    Permissions,
    permissions,
)

from .errors import AdminError

Config = dict[str, object]

FIRST_ACCOUNT = "$G"
"""Where the streams of version 0.1 lie: nats-server's account of whoever is in no other. Nothing
can be imported from it."""


def configuration(
    passwords: Mapping[str, str], target_subjects: Sequence[str] = DEFAULT_TARGET_SUBJECTS
) -> Config:
    """The server's ``accounts``, where NATS targets may publish to ``target_subjects``."""
    allowed = permissions(tuple(target_subjects))
    return {
        PLATFORM_ACCOUNT: {
            "jetstream": "enabled",
            "users": [
                _user(user, passwords, may)
                for user, may in allowed.items()
                if user not in EXTERNALS
            ],
            "exports": [
                export
                for user, external in EXTERNALS.items()
                for may in (allowed[user],)
                for export in (
                    *({"service": s, "accounts": [external.account]} for s, _ in _asked(may)),
                    *({"stream": s, "accounts": [external.account]} for s in _heard(may)),
                )
            ],
        },
        **{
            external.account: _external(user, external, passwords, allowed[user])
            for user, external in EXTERNALS.items()
        },
    }


def adopt_streams(store: Path) -> None:
    """Move the streams of version 0.1 into the platform's account, where the server expects them.

    Raises AdminError if both accounts have some.
    """
    old, new = (store / "jetstream" / name for name in (FIRST_ACCOUNT, PLATFORM_ACCOUNT))
    if not old.is_dir():
        return
    if new.exists():
        msg = (
            f"The broker's store has two sets of streams: {old} was written by an older version"
            f" after {new}. Move the one that is not wanted out of the way, and start again"
        )
        raise AdminError(msg)
    old.rename(new)


def _external(
    user: str, external: External, passwords: Mapping[str, str], may: Permissions
) -> Config:
    return {
        "users": [_user(user, passwords, may)],
        "imports": [
            *(
                {"service": {"account": PLATFORM_ACCOUNT, "subject": ours}, "to": theirs}
                for ours, theirs in _asked(may)
            ),
            *({"stream": {"account": PLATFORM_ACCOUNT, "subject": s}} for s in _heard(may)),
        ],
        "limits": {
            "max_connections": external.connections,
            "max_subscriptions": external.subscriptions,
            "max_payload": external.payload,
            "max_leafnodes": 0,
        },
    }


def _asked(may: Permissions) -> tuple[tuple[str, str], ...]:
    """Where what it publishes goes, by the platform's name and by its own.

    One import for all commands: an acknowledgement whose reply is a command again would come
    through the same import twice, which the server does not let pass.
    """
    return ((ALL_INGRESS, ALL_COMMANDS),) if may.publish else ()


def _heard(may: Permissions) -> tuple[str, ...]:
    """What it hears of the platform: the results it asked for, not what else is in its inbox."""
    results = {f"{prefix}.>" for prefix in RESULT_INBOXES}
    return tuple(
        subject
        for subject in may.subscribe
        if subject in results or not subject.startswith("_INBOX")
    )


def _user(user: str, passwords: Mapping[str, str], may: Permissions) -> Config:
    return {
        "user": str(user),
        "password": passwords[user],
        "permissions": _permissions(may),
    }


def _permissions(may: Permissions) -> Config:
    return {
        "publish": _only(may.publish),
        "subscribe": _only(may.subscribe),
    }


def _only(allowed: tuple[str, ...]) -> dict[str, list[str]]:
    # nats-server reads an empty allow list as "everything".
    return {"allow": list(allowed)} if allowed else {"deny": [">"]}
