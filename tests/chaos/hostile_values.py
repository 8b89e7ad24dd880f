"""Values that break programs: what hostile users put where something ordinary belongs."""

import json
import random
from typing import Any

_TEXTS = (
    *("", " ", "\x00", "\u00a0", "🚀" * 50, "\ud800", "a" * 3000, "null", "-1", "P1M", "PT0.5H"),
    *("1h30m", "PT1S", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-01T00:00:00Z"),
    *("2027-01-01T00:00:00+24:00", "2027-01-01T00:00:00+05:99", "2027-01-01", "24:00"),
    *("America.Argentina/Buenos_Aires", "../../etc/passwd", "europe/berlin", "+02:00", "UTC"),
    *("* * * * * * *", "SUN-SUN * * * *", "0 0 31 2 *", "0 0 * * SUN-SUN", "@reboot", "60 * * * *"),
    *("CRON_TZ=UTC 0 0 * * *", "*/0 * * * *", "0 0 L * *", "0-59/1 * * * * *", "active", "api"),
)
_OTHERS = (
    *(None, True, False, 0, -1, 1, 1.5, 1e308, -0.0, 10**30, 2**63, [], {}, [[]], {"": ""}),
    *(["2027-01-01", "9999-12-31"], {"policy": "all", "max_count": 10**9}, [None] * 100),
)
_RAW = (b"NaN", b"1e400", b"1e-400", b"Infinity", b'{"a":1,"a":2}', b"[" * 100, b'"\\ud800"', b"01")
"""Spliced into the text: no encoder would write them."""

_FIELDS = (
    *("name", "type", "payload", "payload_schema", "schedule_time", "interval", "cron"),
    *("timezone", "dst_policy", "starts_at", "ends_at", "max_fires", "jitter", "exclude"),
    *("misfire", "labels", "status", "paused", "trigger_id", "schema_version", "actor", "unknown"),
)


def garbage(dice: random.Random, longest: int) -> bytes:
    return dice.randbytes(dice.randint(1, longest))


def definitions(dice: random.Random, name: str) -> bytes:
    """A definition with something odd about it, as it would be sent."""
    fields: dict[str, Any] = {"name": f"{name} {dice.randint(0, 99)}", "type": "api"}
    kind = dice.random()
    if kind < 0.3:
        fields |= {"type": "scheduled", "interval": dice.choice([2, "PT5S", 60]), "max_fires": 2}
    elif kind < 0.5:
        cron = dice.choice(["* * * * *", "*/7 * * * * *", "0 0 29 2 *"])
        fields |= {"type": "scheduled", "cron": cron, "max_fires": 2}
    elif kind < 0.8:
        fields["payload_schema"] = schemas(dice)
    return mutated(dice, fields)


def mutated(dice: random.Random, fields: dict[str, Any]) -> bytes:
    """The fields as JSON, up to three of them exchanged for something odd; the name stays."""
    fields = dict(fields)
    for _ in range(dice.randint(0, 3)):
        fields[dice.choice([one for one in _FIELDS if one != "name"])] = _value(dice)
    text = json.dumps(fields, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    if dice.random() < 0.15:
        text = text.replace(b'"type"', b'"payload": ' + dice.choice(_RAW) + b', "type"', 1)
    if dice.random() < 0.05:
        text = text[: dice.randrange(len(text))]
    return text


def schemas(dice: random.Random) -> Any:
    """Of growing cost: what is doubled, nested, repeated or combined."""
    size = 2 ** dice.randint(0, 14)
    nested: Any = {"type": "integer"}
    for _ in range(min(size, 60)):
        nested = dice.choice([{"allOf": [nested]}, {"items": nested}, {"not": nested}])
    doubling = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(size % 40)}
    return dice.choice(
        [
            {"pattern": "\\w" * min(size, 9000)},
            {"pattern": "\\p{L}{3}" * min(size, 2000)},
            {"pattern": f"(a{{{size}}}){{{size}}}"},
            {"pattern": "(" * min(size, 500) + "a+" + ")+" * min(size, 500)},
            {"pattern": "(?=a)b"},
            {"patternProperties": {f"^x{n}\\d{{4}}": True for n in range(min(size, 900))}},
            {"enum": list(range(min(size, 5000)))},
            {"$defs": {**doubling, f"d{size % 40}": {}}, "$ref": "#/$defs/d0"},
            {"$ref": "http://127.0.0.1:1/x"},
            {"properties": {f"p{n}": {"type": "string"} for n in range(min(size, 1500))}},
            nested,
            _value(dice),
        ]
    )


def commands(dice: random.Random, name: str) -> tuple[str, bytes]:
    """A command's subject, and a body that may be none."""
    verb = dice.choice(["create", "create", "update", "delete", "test", "fire"])
    trigger_id = f"{name}-{dice.randint(0, 30)}"
    if verb in {"create", "test"}:
        body = definitions(dice, name)
        if verb == "create" and body.startswith(b"{"):
            body = body.replace(b"{", b'{"trigger_id": "%s", ' % trigger_id.encode(), 1)
    elif verb == "update":
        body = b'{"trigger_id": "%s", "patch": %s}' % (trigger_id.encode(), definitions(dice, name))
    else:
        body = mutated(dice, {"trigger_id": trigger_id})
    if dice.random() < 0.1:
        body = garbage(dice, 50)
    return f"trigger.command.{verb}", body


def paths(dice: random.Random) -> list[str]:
    """Addresses of the gateway with odd questions."""
    word = dice.choice(["%00", "%f0%9f%9a%80", "a" * 3000, "x", "-1", "9999-12-31T23:59:59Z"])
    return [
        f"/triggers/?q={word}",
        f"/triggers/?limit={word}&limit=1",
        f"/events/?q={word}&count=true",
        f"/events/?from={word}",
        f"/events/?state=active&state=archived&cursor={word}",
        f"/events/stats?q={word}",
        f"/events/{word}",
        f"/triggers/{word}/history",
        f"/triggers/{word}/next?count=1000",
        f"/dead-letters/?cursor={word}",
        "/triggers/",
        "/triggers/bulk",
        "/events/replay",
        "/test/api/",
    ]


def _value(dice: random.Random) -> Any:
    return dice.choice([*_TEXTS, *_OTHERS])
