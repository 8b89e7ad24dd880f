"""How much work a JSON Schema can cause, counted before it is ever used.

The validator evaluates every path of references anew: a schema that refers to itself twice
from the same place takes 2ⁿ evaluations for a payload n levels deep (18 levels took over
20 s), and nobody can interrupt it. So the evaluations along one path of a payload are
counted here for every depth, references followed, and payloads beyond the bound are not
validated at all. The states of patterns are counted beside them, since a pattern's time is
its text's length times its states where the engine's cache is of no use (3,000 states over
250 kB took 3.3 s). The counts err only upwards. Called by ``payloads``; pure arithmetic.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from .errors import Code, Refused, refused
from .schema_costs import evaluations_of, measured, states_of
from .strict_json import MAX_DEPTH

MAX_EVALUATIONS = 20_000
"""Evaluations along one path of a payload: hundreds of times a schema written by hand."""

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

MAX_CHAIN = 64
"""References and combinations that one value passes through: each takes the validator's stack."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The one dialect understood."""

_REFERENCES = ("$ref", "$dynamicRef")
_ANCHORS = ("$anchor", "$dynamicAnchor")
_HERE = ("not", "if", "then", "else")
_HERE_LISTS = ("allOf", "anyOf", "oneOf")
_HERE_MAPS = ("dependentSchemas", "dependencies")
_EACH_MEMBER = ("unevaluatedProperties", "propertyNames")
_EACH_ITEM = ("contains", "unevaluatedItems")
_NEVER = ("contentSchema",)
_NEVER_MAPS = ("$defs", "definitions")
_SCHEMAS = frozenset(
    {
        *(*_HERE, *_HERE_LISTS, *_HERE_MAPS, *_EACH_MEMBER, *_EACH_ITEM, *_NEVER, *_NEVER_MAPS),
        *("properties", "patternProperties", "additionalProperties", "items", "prefixItems"),
    }
)
"""Keywords whose values are schemas; any other value is counted as what it is, a value."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Evaluations and states of patterns along one path, for each depth that is affordable."""

    evaluations: tuple[int, ...]
    states: tuple[int, ...]
    has_alternatives: bool

    def cost_of(self, payload: Any) -> "Cost | None":
        """What validating ``payload`` takes; None if that is more than may be spent."""
        size, depth, characters = measured(payload)
        counted = min(len(self.evaluations), len(self.states))
        if counted <= depth and counted <= MAX_DEPTH:
            return None
        evaluations = self.evaluations[min(depth, counted - 1)]
        states = self.states[min(depth, counted - 1)]
        affordable = evaluations * size <= MAX_WORK and states * characters <= MAX_PATTERN_WORK
        return Cost(evaluations, size, self.has_alternatives) if affordable else None


@dataclass(frozen=True, slots=True)
class Cost:
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


@dataclass(eq=False, slots=True)
class _Node:
    """One subschema: which others apply to the same value, to a member, to an item."""

    own: int = 1
    states: int = 0
    here: list["_Node"] = field(default_factory=list)
    one_member: list["_Node"] = field(default_factory=list)
    each_member: list["_Node"] = field(default_factory=list)
    one_item: list["_Node"] = field(default_factory=list)
    each_item: list["_Node"] = field(default_factory=list)
    chain: int = 1
    evaluations: int = 0
    before: int = 0

    def count(self) -> int:
        """Evaluations for a value, those of its members at the depth before."""
        members = _most(self.one_member) + sum(node.before for node in self.each_member)
        items = _most(self.one_item) + sum(node.before for node in self.each_item)
        here = sum(node.evaluations for node in self.here)
        # Beyond the limit the exact number says nothing and would only grow.
        return min(self.own + here + max(members, items), MAX_EVALUATIONS + 1)


def bounds_of(schema: Any) -> Bounds:
    """The bounds of ``schema``; raises ``Refused`` where they cannot be kept."""
    graph = _Graph(schema)
    nodes = _in_order(graph.root)
    evaluations = _counts(graph.root, nodes)
    if len(evaluations) <= ALWAYS_ALLOWED_DEPTH:
        raise _refused(f"its references expand to more than {MAX_EVALUATIONS} evaluations")
    for node in nodes:
        node.own, node.evaluations, node.before = node.states, 0, 0
    states = _counts(graph.root, nodes)
    if len(states) <= ALWAYS_ALLOWED_DEPTH:
        raise _refused(f"its patterns expand to more than {MAX_EVALUATIONS} states")
    return Bounds(tuple(evaluations), tuple(states), graph.has_alternatives)


def _counts(root: _Node, nodes: list[_Node]) -> list[int]:
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


def _most(nodes: list[_Node]) -> int:
    return max((node.before for node in nodes), default=0)


def _in_order(root: _Node) -> list[_Node]:
    """Every node, after those that apply to the same value."""
    ordered: list[_Node] = []
    seen: set[_Node] = set()
    # A member or item may be evaluated in any order: only ``here`` has to be known before.
    beginnings = [root]
    while beginnings:
        start = beginnings.pop()
        path: list[tuple[_Node, Iterator[_Node]]] = [(start, iter(start.here))]
        open_nodes = {start}
        if start in seen:
            continue
        seen.add(start)
        while path:
            node, rest = path[-1]
            child = next(rest, None)
            if child is None:
                path.pop()
                open_nodes.discard(node)
                ordered.append(node)
                node.chain = 1 + max((other.chain for other in node.here), default=0)
                if node.chain > MAX_CHAIN:
                    raise _refused(f"more than {MAX_CHAIN} references or combinations in a row")
                beginnings += node.one_member + node.each_member + node.one_item + node.each_item
            elif child in open_nodes:
                raise _refused("it refers to itself without going deeper into the payload")
            elif child not in seen:
                seen.add(child)
                open_nodes.add(child)
                path.append((child, iter(child.here)))
    return ordered


class _Graph:
    """The nodes of a schema, its references resolved as far as they are ever used."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._nodes: dict[int, _Node] = {}
        self._pending: list[tuple[Any, _Node]] = []
        self._anchors = _anchors(schema)
        self.has_alternatives = False
        self.root = self._node(schema)
        while self._pending:
            value, node = self._pending.pop()
            self._connect(value, node)

    def _node(self, value: Any) -> _Node:
        if not isinstance(value, dict):
            return _Node()
        node = self._nodes.get(id(value))
        if node is None:
            node = self._nodes[id(value)] = _Node()
            self._pending.append((value, node))
        return node

    def _connect(self, schema: dict[str, Any], node: _Node) -> None:
        if schema is not self._schema:
            _check_embedded(schema)
        node.own += sum(
            evaluations_of(key, value) for key, value in schema.items() if key not in _SCHEMAS
        )
        node.states = states_of(schema)
        self.has_alternatives |= "anyOf" in schema or "oneOf" in schema
        for key in _REFERENCES:
            if isinstance(schema.get(key), str):
                node.here.append(self._node(self._resolved(schema[key])))
        node.here += self._at(schema, _HERE)
        for key in _HERE_LISTS:
            node.here += self._listed(schema.get(key))
        for key in _HERE_MAPS:
            node.here += self._mapped(schema.get(key))
        members = self._mapped(schema.get("properties"))
        node.own += len(members)
        node.one_member = members + self._at(schema, ("additionalProperties",))
        node.each_member = self._mapped(schema.get("patternProperties"))
        node.each_member += self._at(schema, _EACH_MEMBER)
        node.one_item = self._listed(schema.get("prefixItems")) + self._at(schema, ("items",))
        node.each_item = self._at(schema, _EACH_ITEM)
        # Applied to nothing by themselves, and held to the same rules as if they were.
        self._at(schema, _NEVER)
        for key in _NEVER_MAPS:
            self._mapped(schema.get(key))

    def _at(self, schema: dict[str, Any], keys: tuple[str, ...]) -> list[_Node]:
        return [self._node(schema[key]) for key in keys if key in schema]

    def _listed(self, value: Any) -> list[_Node]:
        return [self._node(one) for one in value] if isinstance(value, list) else []

    def _mapped(self, value: Any) -> list[_Node]:
        return [self._node(one) for one in value.values()] if isinstance(value, dict) else []

    def _resolved(self, reference: str) -> Any:
        shown = reference if len(reference) <= 80 else reference[:79] + "…"
        if not reference.startswith("#"):
            raise _refused(f"the reference {shown!r} leaves the schema")
        place = unquote(reference[1:])
        if place and not place.startswith("/"):
            if place not in self._anchors:
                raise _refused(f"the reference {shown!r} points nowhere")
            return self._anchors[place]
        value = self._schema
        for token in place.split("/")[1:]:
            key = token.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isascii() and key.isdecimal():
                value = value[int(key)] if len(key) < 6 and int(key) < len(value) else None
            else:
                raise _refused(f"the reference {shown!r} points nowhere")
        return value


def _anchors(schema: Any) -> dict[str, Any]:
    """The named places of a schema. Whatever looks like one counts, used or not."""
    found: dict[str, Any] = {}
    pending = [schema]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            for name in {value[key] for key in _ANCHORS if isinstance(value.get(key), str)}:
                if name in found:
                    raise _refused(f"the anchor {name[:80]!r} stands twice")
                found[name] = value
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return found


def _check_embedded(schema: dict[str, Any]) -> None:
    if isinstance(schema.get("$id"), str):
        raise _refused("only the whole schema may have an $id")
    if schema.get("$schema", DIALECT) != DIALECT:
        raise _refused(f"every part must be in the dialect {DIALECT}")


def _refused(detail: str) -> Refused:
    return refused(Code.INVALID_SCHEMA, detail, pointer="/payload_schema")
