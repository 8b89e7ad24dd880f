"""``python -m bench``: measure, print, keep the results, and write the tables of the README."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from .scenarios import SCENARIOS
from .schedules.comparison import Comparison
from .sizes import FULL, QUICK, Sizes
from .support import report
from .support.checks import BenchFailed
from .support.figures import Result
from .support.workers import quiet

RESULTS = Path(__file__).parent / "results"
LATEST = RESULTS / "latest.json"
QUICK_OUT = RESULTS / "quick.json.tmp"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        choices=list(SCENARIOS),
        help="Only this scenario; may be repeated. One of: " + ", ".join(SCENARIOS),
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="Small sizes, to see that everything works: the figures mean nothing, and neither "
        "the README nor the kept results are touched.",
    )
    parser.add_argument(
        "--size",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="Another size than that, as in bench/sizes.py; may be repeated. Kept only by --out: "
        "as with --quick, neither the README nor the kept results are touched.",
    )
    parser.add_argument("--out", type=Path, help=f"Results as JSON (default: {LATEST.name}).")
    return parser.parse_args()


def _kept(out: Path) -> dict[str, Any]:
    """Scenarios that are not measured now keep their last figures, each with its own date."""
    if out.exists():
        kept: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return kept
    return {"scenarios": {}}


async def _measure(name: str, sizes: Sizes) -> Result | Comparison:
    return await SCENARIOS[name](sizes)


def main() -> int:
    quiet()
    arguments = _arguments()
    is_trial = arguments.quick or bool(arguments.size)
    out: Path = arguments.out or (QUICK_OUT if is_trial else LATEST)
    sizes = (QUICK if arguments.quick else FULL).with_changes(arguments.size)
    found = {"scenarios": {}} if is_trial else _kept(out)
    failed: list[str] = []
    for name in arguments.only or SCENARIOS:
        print(f"{name} …", file=sys.stderr, flush=True)
        about = {"machine": report.machine(), **report.run_about(), "quick": is_trial}
        try:
            result = asyncio.run(_measure(name, sizes))
        except BenchFailed as failure:
            print(f"{name} FAILED: {failure}", file=sys.stderr, flush=True)
            failed.append(name)
            continue
        one = {**report.as_json(result), **about}
        found["scenarios"][name] = one
        print(report.markdown({"scenarios": {name: one}}), flush=True)
        found["scenarios"] = {
            known: found["scenarios"][known] for known in SCENARIOS if known in found["scenarios"]
        }
        report.write_json(found, out)
        suffix = ".tmp" if is_trial else ""
        report.write_plot(one, out.with_name(f"{name}.svg{suffix}"))
        report.write_files(result, out.parent, suffix)
        if not is_trial and out == LATEST:
            report.write_readme(found)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
