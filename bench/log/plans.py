"""The plans of the gateway's statements: as PostgreSQL shows them, in short, and judged.

What an hour that is over is asked for must be found by an index: reading such a partition from
end to end is a mistake, unless everything in it is wanted.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

from .sql_capture import Bare, Statement, literal

_PARTITION = re.compile(r"event_\d{10}")
_NUMBER = re.compile(r"\d[\d.]*")
_HAPPENED = ("Buffers:", "Heap Blocks:", "Heap Fetches:", "Rows Removed by")
"""Lines that are there or not, by what was found in a partition."""
_NAME = "explained"

Node = Mapping[str, Any]


async def explained(bare: Bare, statement: Statement) -> tuple[str, Node]:
    """The plan as text, and as JSON; of two executions."""
    session = bare.session(statement)
    # Prepared in SQL: EXPLAIN of a statement with parameters would plan for their values.
    await session.execute(f"PREPARE {_NAME} AS {statement.sql}")
    try:
        values = ", ".join(map(literal, statement.parameters))
        call = f"EXECUTE {_NAME}{f'({values})' if values else ''}"
        await session.execute(call)
        lines = await session.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {call}")
        found = await session.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, FORMAT JSON) {call}")
    finally:
        await session.execute(f"DEALLOCATE {_NAME}")
    (top,) = json.loads(found)
    return "\n".join(line[0] for line in lines), top


def read_whole(top: Node, closed: Sequence[str]) -> list[str]:
    """Which of the partitions ``closed`` were read from end to end."""
    return sorted(
        {
            node["Relation Name"]
            for node in _nodes(top["Plan"])
            if node["Node Type"] == "Seq Scan"
            and node["Actual Loops"]
            and node["Relation Name"] in closed
        }
    )


def in_short(top: Node) -> str:
    """One line a node; those that differ in nothing but their partition share one.

    How long rows live, which each view looks up, is left out.
    """
    lines = [f"{top['Execution Time']:.2f} ms, planned in {top.get('Planning Time', 0):.2f} ms"]
    lines += _lines([top["Plan"]], 0)
    return "\n".join(lines)


def shortened(text: str) -> str:
    """The text of a plan without the repetitions that a partitioned table makes.

    Of neighbours that differ in nothing but names and numbers of partitions the first two stay.
    """
    lines = text.split("\n")
    # What follows the plan itself stands at the margin again.
    end = next((n for n, line in enumerate(lines) if n and _indent(line) == 0), len(lines))
    return "\n".join([*_shorter(lines[:end]), *lines[end:]])


def _shorter(block: Sequence[str]) -> list[str]:
    """``block`` is one node: its line, what is said of it, and the nodes below it."""
    below = [_indent(line) for line in block[1:] if _is_node(line)]
    if not below:
        return list(block)
    begins = [
        n for n, line in enumerate(block) if n and _is_node(line) and _indent(line) == min(below)
    ]
    lines = list(block[: begins[0]])
    children = [list(block[a:b]) for a, b in pairwise([*begins, len(block)])]
    for _, alike in groupby(children, key=_pattern):
        first, *others = alike
        shown = others[:1]
        for child in (first, *shown):
            lines += _shorter(child)
        if others[1:]:
            lines.append(f"{' ' * min(below)}…   {len(others) - 1} more like these")
    return lines


def _pattern(block: Sequence[str]) -> str:
    lines = [line for line in block if not line.lstrip().startswith(_HAPPENED)]
    return _NUMBER.sub("0", _PARTITION.sub("event_*", "\n".join(lines)))


def _is_node(line: str) -> bool:
    return line.lstrip().startswith("->")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _lines(siblings: Sequence[Node], depth: int) -> list[str]:
    groups: dict[str, list[Node]] = {}
    for node in siblings:
        if _only_looks_up_lives(node):
            continue
        groups.setdefault(_shape(node), []).append(node)
    lines: list[str] = []
    for alike in groups.values():
        times = f"{len(alike)} of: " if len(alike) > 1 else ""
        lines.append(f"{'  ' * depth}{times}{_title(alike[0])}{_did(alike)}")
        children = [child for node in alike for child in node.get("Plans", ())]
        lines += _lines(children, depth + 1)
    return lines


def _only_looks_up_lives(node: Node) -> bool:
    """One row that every read of a view begins with."""
    named = {one["Relation Name"] for one in _nodes(node) if "Relation Name" in one}
    return "Subplan Name" in node and named == {"life_setting"}


def _shape(node: Node) -> str:
    """What alike nodes have in common: all but their partition and their numbers."""
    below = sorted({_shape(child) for child in node.get("Plans", ())})
    return f"{_title(node)}{bool(node['Actual Loops'])}{below}"


def _title(node: Node) -> str:
    words = [node["Node Type"]]
    if "Subplan Name" in node:
        words.insert(0, f"{node['Subplan Name']}:")
    if "Index Name" in node:
        words.append(f"using {node['Index Name']}")
    if "Relation Name" in node:
        words.append(f"on {node['Relation Name']}")
    elif "Function Name" in node or "CTE Name" in node:
        words.append(f"on {node.get('Function Name') or node['CTE Name']}")
    return _PARTITION.sub("event_*", " ".join(words))


def _did(alike: Sequence[Node]) -> str:
    if not any(node["Actual Loops"] for node in alike):
        return " (never executed)"
    rows = sum(node["Actual Rows"] * node["Actual Loops"] for node in alike)
    blocks = sum(node.get(f"Shared {kind} Blocks", 0) for node in alike for kind in ("Hit", "Read"))
    return f": {rows:,.0f} rows, {blocks:,} blocks"
