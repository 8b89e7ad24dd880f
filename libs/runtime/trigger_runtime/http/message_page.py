"""/asyncapi as a page of plain HTML: it needs neither script nor net.

FastStream's own page loads its program from elsewhere: it shows nothing on a machine without the
internet, and runs what others may change.
"""

import json
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import unquote


def page(document: Mapping[str, Any]) -> str:
    """An AsyncAPI 3 document as HTML."""
    info = document["info"]
    title = f"{info['title']} {info['version']}"
    channels = document.get("channels", {})
    subjects = "".join(_subject(document, name, channel) for name, channel in channels.items())
    schemas = document.get("components", {}).get("schemas", {})
    shapes = "".join(_folded(name, _json(schema)) for name, schema in schemas.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>"
        f"<p>{escape(info.get('description') or '')}</p>"
        '<p>For programs: <a href="/asyncapi.json">AsyncAPI</a>.</p>'
        f"<h2>Subjects</h2>{subjects}<h2>Messages</h2>{shapes}</body></html>"
    )


def _subject(document: Mapping[str, Any], name: str, channel: Mapping[str, Any]) -> str:
    actions = {
        operation["action"]
        for operation in document.get("operations", {}).values()
        if _followed(document, operation["channel"]) is channel
    }
    messages = [_followed(document, each) for each in channel.get("messages", {}).values()]
    shown = "".join(f"<pre>{_json(message.get('payload', {}))}</pre>" for message in messages)
    about = escape(channel.get("description") or "")
    heading = " ".join([*sorted(actions), channel.get("address") or name])
    return _folded(heading, f"<p>{about}</p>{shown}", is_html=True)


def _folded(name: str, content: str, *, is_html: bool = False) -> str:
    shown = content if is_html else f"<pre>{content}</pre>"
    return f"<details><summary><code>{escape(name)}</code></summary>{shown}</details>"


def _followed(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference within the document leads to."""
    while "$ref" in value:
        found: Any = document
        for token in value["$ref"].removeprefix("#/").split("/"):
            found = found[unquote(token).replace("~1", "/").replace("~0", "~")]
        value = found
    return value


def _json(value: Any) -> str:
    return escape(json.dumps(value, indent=2, ensure_ascii=False))
