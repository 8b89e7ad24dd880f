"""/docs: the OpenAPI document as one page of plain HTML.

FastAPI's own page loads its program from a CDN: it shows nothing on a machine without the
internet, and our content security policy forbids it. This one needs neither script nor net.
"""

import json
from html import escape
from typing import Any

STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; text-transform: capitalize; }
summary { cursor: pointer; padding: .3rem 0; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid #8886; border-radius: .4rem; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600; }
table { border-collapse: collapse; }
td { padding: .15rem 1rem .15rem 0; vertical-align: top; }
"""


def page(document: dict[str, Any]) -> str:
    """The document as HTML."""
    sections: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            tag = operation.get("tags", ["other"])[0]
            sections.setdefault(tag, []).append(_operation(method.upper(), path, operation))
    info = document["info"]
    listed = "".join(
        f"<section><h2>{escape(tag)}</h2>{''.join(shown)}</section>"
        for tag, shown in sections.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title>"
        '<link rel="stylesheet" href="/docs/style.css"></head><body>'
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info.get('description', ''))}</p>"
        '<p>For programs: <a href="/openapi.json">OpenAPI</a>, '
        '<a href="/asyncapi">AsyncAPI</a>.</p>'
        f"<main>{listed}</main></body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    return (
        f'<details><summary><span class="method">{method}</span><code>{escape(path)}</code> '
        f"{escape(operation['summary'])}.</summary>{_description(operation)}"
        f"{_parameters(operation)}{_examples(operation)}{_responses(operation)}</details>"
    )


def _description(operation: dict[str, Any]) -> str:
    paragraphs = operation.get("description", "").split("\n\n")
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs if paragraph)


def _parameters(operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p['in'])}</td>"
        f"<td>{escape(p.get('description', ''))}</td></tr>"
        for p in operation.get("parameters", ())
    )
    return f"<h3>Parameters</h3><table>{rows}</table>" if rows else ""


def _examples(operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return "".join(
        f"<h3>Body: {escape(name)}</h3>"
        f"<pre>{escape(json.dumps(example['value'], indent=2, ensure_ascii=False))}</pre>"
        for name, example in content.get("examples", {}).items()
    )


def _responses(operation: dict[str, Any]) -> str:
    """Refusals by their statuses alone: the document says once what each of them means."""
    answers = operation["responses"]
    refused = ", ".join(status for status, answer in answers.items() if "$ref" in answer)
    rows = "".join(
        f"<tr><td><code>{escape(status)}</code></td><td>{escape(answer['description'])}</td></tr>"
        for status, answer in answers.items()
        if "$ref" not in answer
    )
    refusals = f"<tr><td><code>{escape(refused)}</code></td><td>Refused, and why</td></tr>"
    return f"<h3>Answers</h3><table>{rows}{refusals if refused else ''}</table>"
