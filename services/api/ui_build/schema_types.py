"""The types of the client, made of the OpenAPI document that the gateway serves.

A command of its own, ``python -m ui_build.schema_types``: it loads all of the gateway.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from trigger_api.bootstrap import build
from trigger_api.settings import Settings

from .node import UI, UiBuildError, alone, installed, run

GENERATED = UI / "src" / "api" / "schema.gen.ts"


def document() -> dict[str, Any]:
    """As ``GET /openapi.json`` answers it: made by the application, which connects to nothing."""
    found: dict[str, Any] = build(
        Settings.model_validate({"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    ).openapi()
    return found


def generate(target: Path = GENERATED) -> None:
    """Write the types. Raises ``UiBuildError``."""
    with alone():
        installed(to_check=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "openapi.json"
        source.write_text(json.dumps(document()), encoding="utf-8")
        arguments = (str(source), "--output", str(target))
        run("openapi-typescript/bin/cli.js", *arguments, what="openapi-typescript made no types")


def main() -> int:
    try:
        generate()
    except UiBuildError as error:
        print(f"{error.said}The types of the web UI: {error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
