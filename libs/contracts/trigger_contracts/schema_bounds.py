"""How much work a JSON Schema can cause, counted before it is ever used.

The validator evaluates every path of references anew: a schema that refers to itself twice
from the same place takes 2ⁿ evaluations for a payload n levels deep (18 levels took over
20 s), and nobody can interrupt it. So the evaluations along one path of a payload are
counted here for every depth, references followed, and payloads beyond the bound are not
validated at all. The states of patterns are counted beside them, since a pattern's time is
its text's length times its states where the engine's cache is of no use (3,000 states over
250 kB took 3.3 s). The counts err only upwards. Called by ``payloads``; pure arithmetic.
"""

from dataclasses import dataclass
from typing import Any

from . import patterns
from .patterns import PatternCost as CompileCost
from .schema_costs import measured
from .schema_graph import MAX_EVALUATIONS, Graph, Node, in_order, refusal
from .strict_json import MAX_DEPTH

MAX_WORK = 1_500_000
"""Evaluations times the payload's size: at 5 to 60 ns each, 100 ms of a core at the most.

An order of 4,400 lines of five fields, 256 kB, each held to a type and a pattern, an enum or
a ``multipleOf``, counts 1.3 million and takes 4 ms.
"""

MAX_PATTERN_WORK = 20_000_000
"""States of patterns times the payload's characters: at 4 ns each, 90 ms of a core.

256 kB of UUIDs held to a pattern of 36 characters need half of it.
"""

MAX_EXPLAINED_WORK = 500_000
"""Errors a payload can have at most, times what is copied into each: 60 ms, mostly below 1 ms."""

ALWAYS_ALLOWED_DEPTH = 8
"""A schema must be affordable for payloads nested this deep; others it may refuse as too deep."""

MAX_COMPILED_BYTES = 16 * 1024 * 1024
"""What a schema may take in memory once compiled, as it is estimated: half of it in truth."""

MAX_COMPILE_NS = 40_000_000
"""Of a core, for the patterns of a schema and what their like builds. The engine holds Python's
lock meanwhile, so that no other thread would help: it must be short wherever it happens."""

_BYTES_PER_CHARACTER = 130
"""What compiled keywords take for each character of their text: 8 MB for 64 kB of ``not``."""

_NS_PER_BYTE = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """Evaluations and states of patterns along one path, for each depth that is affordable."""

    evaluations: tuple[int, ...]
    states: tuple[int, ...]
    has_alternatives: bool
    pattern_bytes: int
    """Estimated, of all different patterns once compiled."""
    patterns: int
    compiled_bytes: int
    """Estimated, of everything."""

    def cost_of(self, payload: Any) -> "SchemaCost | None":
        """What validating ``payload`` takes; None if that is more than may be spent."""
        size, depth, characters = measured(payload)
        counted = min(len(self.evaluations), len(self.states))
        if counted <= depth and counted <= MAX_DEPTH:
            return None
        evaluations = self.evaluations[min(depth, counted - 1)]
        states = self.states[min(depth, counted - 1)]
        affordable = evaluations * size <= MAX_WORK and states * characters <= MAX_PATTERN_WORK
        return SchemaCost(evaluations, size, self.has_alternatives) if affordable else None


@dataclass(frozen=True, slots=True)
class SchemaCost:
    """What one payload costs under one schema."""

    evaluations: int
    size: int
    has_alternatives: bool

    @property
    def can_list_errors(self) -> bool:
        """Whether all errors may be collected: each copies the value and the keyword's own."""
        most_errors = self.evaluations * self.size
        return most_errors * (self.evaluations + self.size) <= MAX_EXPLAINED_WORK

    @property
    def can_name_first_error(self) -> bool:
        """Whether the first error may: that of an alternative lists all of each branch."""
        return self.can_list_errors or not self.has_alternatives


def bounds_of(schema: Any, characters: int = 0) -> Bounds:
    """The bounds of ``schema``, whose text has so many characters.

    Raises ``Refused`` where they cannot be kept. Nothing is compiled.
    """
    graph = Graph(schema)
    nodes = in_order(graph.root)
    evaluations = _counts(graph.root, nodes)
    if len(evaluations) <= ALWAYS_ALLOWED_DEPTH:
        raise refusal(f"its references expand to more than {MAX_EVALUATIONS} evaluations")
    for node in nodes:
        node.own, node.evaluations, node.before = node.states, 0, 0
    states = _counts(graph.root, nodes)
    if len(states) <= ALWAYS_ALLOWED_DEPTH:
        widest = max(nodes, key=lambda node: node.states)
        raise refusal(f"its patterns expand to more than {MAX_EVALUATIONS} states", widest.path)
    compiled = _compile_cost(graph, _BYTES_PER_CHARACTER * characters)
    return Bounds(
        tuple(evaluations),
        tuple(states),
        graph.has_alternatives,
        pattern_bytes=compiled.bytes,
        patterns=len(graph.patterns),
        compiled_bytes=compiled.bytes + _BYTES_PER_CHARACTER * characters,
    )


def _compile_cost(graph: Graph, text_bytes: int) -> CompileCost:
    """What the schema takes to compile beside its ``text_bytes``; raises ``Refused``."""
    size = ns = 0
    for node in graph.unevaluated:
        size += node.spread
        ns += _NS_PER_BYTE * node.spread
        if size + text_bytes > MAX_COMPILED_BYTES or ns > MAX_COMPILE_NS:
            detail = "the parts whose members unevaluated keywords ask about expand to too many"
            raise refusal(detail, node.path)
    for pattern, path in graph.patterns.items():
        cost = patterns.cost(pattern)
        size += cost.bytes
        ns += cost.ns
        if size + text_bytes > MAX_COMPILED_BYTES or ns > MAX_COMPILE_NS:
            detail = (
                "with the other patterns of the schema it takes too much to compile: "
                "shorten repetitions, or use fewer Unicode classes (\\p{…}) and escapes such as \\w"
            )
            raise refusal(detail, path)
    return CompileCost(size, ns)


def _counts(root: Node, nodes: list[Node]) -> list[int]:
    """What ``root`` counts for payloads of each depth, as far as it is within the limit."""
    counts: list[int] = []
    while len(counts) <= MAX_DEPTH:
        changed = False
        for node in nodes:
            node.evaluations = node.count()
        for node in nodes:
            changed = changed or node.evaluations != node.before
            node.before = node.evaluations
        if root.evaluations > MAX_EVALUATIONS:
            break
        if not changed:
            counts.extend([root.evaluations] * (MAX_DEPTH + 1 - len(counts)))
            break
        counts.append(root.evaluations)
    return counts
