"""A schema as a graph: which of its parts apply to a value, to a member of it, to an item.

References are followed, and never leave the schema. Each part knows where it stands, so that a
refusal points at it. What a part's own keywords cost is asked of ``schema_costs`` and
``patterns``; ``schema_bounds`` adds up. Pure arithmetic.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from . import formats, patterns
from .errors import Code, Refused, pointer, refused, shortened
from .patterns import Unusable
from .schema_costs import evaluations_of, patterns_of

MAX_EVALUATIONS = 20_000
"""Evaluations along one path of a payload: hundreds of times a schema written by hand."""

MAX_CHAIN = 64
"""References and combinations that one value passes through: each takes the validator's stack."""

MAX_SUBSCHEMAS = 2_000
"""Each is looked at for about 10 µs, and takes as long to compile."""

MAX_PATTERN_CHARACTERS = 20_000
"""Of all different patterns of a schema: each is looked at for about 1.5 µs, used or refused."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The one dialect understood."""

_REFERENCES = ("$ref", "$dynamicRef")
_ANCHORS = ("$anchor", "$dynamicAnchor")
_HERE = ("not", "if", "then", "else")
_HERE_LISTS = ("allOf", "anyOf", "oneOf")
_HERE_MAPS = ("dependentSchemas", "dependencies")
_APPLIED_HERE = frozenset({*_HERE, *_HERE_LISTS, *_HERE_MAPS})
_EACH_MEMBER = ("patternProperties", "unevaluatedProperties", "propertyNames")
_EACH_ITEM = ("contains", "unevaluatedItems")
_NEVER = ("contentSchema",)
_NEVER_MAPS = ("$defs", "definitions")
_SCHEMAS = frozenset(
    {
        *(*_HERE, *_HERE_LISTS, *_HERE_MAPS, *_EACH_MEMBER, *_EACH_ITEM, *_NEVER, *_NEVER_MAPS),
        *("properties", "additionalProperties", "items", "prefixItems"),
    }
)
"""Keywords whose values are schemas; any other value is counted as what it is, a value."""


_SPREAD_BYTES, _SPREAD_MEMBER_BYTES = 3_000, 100
"""What ``unevaluatedProperties`` builds for each part that may evaluate a member, and for each
name in it: 500 of them beside a reference to 3,000 names took 100 MB."""

_LISTS_AND_MAPS = frozenset(
    {
        *(*_HERE_LISTS, *_HERE_MAPS, *_NEVER_MAPS),
        *("properties", "patternProperties", "prefixItems"),
    }
)
"""Of these, the values are schemas by name or by number."""

Path = tuple[str | int, ...]
"""Where a part stands in the schema."""


@dataclass(eq=False, slots=True)
class Node:
    """One subschema: which others apply to the same value, to a member, to an item."""

    path: Path = ()
    own: int = 1
    states: int = 0
    here: list["Node"] = field(default_factory=list)
    one_member: list["Node"] = field(default_factory=list)
    each_member: list["Node"] = field(default_factory=list)
    one_item: list["Node"] = field(default_factory=list)
    each_item: list["Node"] = field(default_factory=list)
    chain: int = 1
    unevaluated: bool = False
    spread: int = _SPREAD_BYTES
    evaluations: int = 0
    before: int = 0

    def count(self) -> int:
        """Evaluations for a value, those of its members at the depth before."""
        members = items = here = 0
        if self.one_member or self.each_member:
            members = _most(self.one_member) + sum(node.before for node in self.each_member)
        if self.one_item or self.each_item:
            items = _most(self.one_item) + sum(node.before for node in self.each_item)
        if self.here:
            here = sum(node.evaluations for node in self.here)
        # Beyond the limit the exact number says nothing and would only grow.
        return min(self.own + here + max(members, items), MAX_EVALUATIONS + 1)


def _most(nodes: list[Node]) -> int:
    return max((node.before for node in nodes), default=0)


def in_order(root: Node) -> list[Node]:
    """Every node, after those that apply to the same value."""
    ordered: list[Node] = []
    seen: set[Node] = set()
    # A member or item may be evaluated in any order: only ``here`` has to be known before.
    beginnings = [root]
    while beginnings:
        start = beginnings.pop()
        path: list[tuple[Node, Iterator[Node]]] = [(start, iter(start.here))]
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
                    detail = f"more than {MAX_CHAIN} references or combinations in a row"
                    raise refusal(detail, node.path)
                node.spread += sum(other.spread for other in node.here)
                beginnings += node.one_member + node.each_member + node.one_item + node.each_item
            elif child in open_nodes:
                detail = "it refers to itself without going deeper into the payload"
                raise refusal(detail, node.path)
            elif child not in seen:
                seen.add(child)
                open_nodes.add(child)
                path.append((child, iter(child.here)))
    return ordered


class Graph:
    """The nodes of a schema, its references resolved as far as they are ever used.

    Raises ``Refused`` where they leave it, or where a keyword cannot be used.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._nodes: dict[int, Node] = {}
        self._pending: list[tuple[Any, Node]] = []
        self._anchors = _anchors(schema)
        self._characters = 0
        self._states: dict[str, int] = {}
        self.patterns: dict[str, Path] = {}
        """Every pattern, with the first place at which it stands."""
        self.has_alternatives = False
        self.root = self._node(schema, ())
        while self._pending:
            value, node = self._pending.pop()
            self._connect(value, node)

    @property
    def unevaluated(self) -> list[Node]:
        """The parts that ask which members or items others have evaluated."""
        return [node for node in self._nodes.values() if node.unevaluated]

    def _node(self, value: Any, path: Path) -> Node:
        if not isinstance(value, dict):
            return Node(path)
        node = self._nodes.get(id(value))
        if node is None:
            if len(self._nodes) == MAX_SUBSCHEMAS:
                raise refusal(f"more than {MAX_SUBSCHEMAS} schemas within the schema", path)
            node = self._nodes[id(value)] = Node(path)
            self._pending.append((value, node))
        return node

    def _connect(self, schema: dict[str, Any], node: Node) -> None:
        if schema is not self._schema:
            _check_embedded(schema, node.path)
        for key, value in schema.items():
            if key not in _SCHEMAS:
                try:
                    node.own += evaluations_of(key, value)
                except Unusable as error:
                    raise refusal(str(error), (*node.path, key)) from None
                if key in _REFERENCES and isinstance(value, str):
                    node.here.append(self._referred(value, (*node.path, key)))
            else:
                self._apply(key, self._within(key, value, node.path), node)
        if "pattern" in schema or "patternProperties" in schema:
            node.states = sum(
                self._take_pattern(pattern, (*node.path, *place))
                for pattern, place in patterns_of(schema)
            )
        node.states += formats.cost_of(schema).states
        node.spread += _SPREAD_MEMBER_BYTES * len(node.one_member + node.one_item)

    def _within(self, key: str, value: Any, path: Path) -> list[Node]:
        """The schemas that are the value of a keyword, in it by name, or by number."""
        path = (*path, key)
        if key not in _LISTS_AND_MAPS:
            return [self._node(value, path)]
        if isinstance(value, dict):
            return [self._node(one, (*path, name)) for name, one in value.items()]
        listed = enumerate(value) if isinstance(value, list) else ()
        return [self._node(one, (*path, index)) for index, one in listed]

    def _apply(self, key: str, nodes: list[Node], node: Node) -> None:
        """What the schemas within a keyword are applied to."""
        if key in _APPLIED_HERE:
            node.here += nodes
            self.has_alternatives |= key in ("anyOf", "oneOf")
        elif key in ("properties", "additionalProperties"):
            node.one_member += nodes
            node.own += len(nodes) if key == "properties" else 0
        elif key in _EACH_MEMBER:
            node.each_member += nodes
        elif key in ("prefixItems", "items"):
            node.one_item += nodes
        elif key in _EACH_ITEM:
            node.each_item += nodes
        # All others apply to nothing by themselves, and are held to the same rules.
        node.unevaluated |= key in ("unevaluatedProperties", "unevaluatedItems")

    def _take_pattern(self, pattern: str, path: Path) -> int:
        """The states of a pattern, which is counted once wherever it stands."""
        if pattern not in self.patterns:
            self.patterns[pattern] = path
            self._characters += len(pattern)
            if self._characters > MAX_PATTERN_CHARACTERS:
                detail = (
                    f"all patterns are longer than {MAX_PATTERN_CHARACTERS} characters together"
                )
                raise refusal(detail, path)
            try:
                self._states[pattern] = patterns.states(pattern)
            except Unusable as error:
                raise refusal(str(error), path) from None
            if self._states[pattern] > MAX_EVALUATIONS:
                raise refusal(f"it expands to more than {MAX_EVALUATIONS} states", path)
        return self._states[pattern]

    def _referred(self, reference: str, path: Path) -> Node:
        """The part that a reference at ``path`` refers to."""
        shown = shortened(reference, 80)
        if not reference.startswith("#"):
            raise refusal(f"the reference {shown!r} leaves the schema", path)
        place = unquote(reference[1:])
        if place and not place.startswith("/"):
            if place not in self._anchors:
                raise refusal(f"the reference {shown!r} points nowhere", path)
            return self._node(*self._anchors[place])
        value, found = self._schema, []
        for token in place.split("/")[1:]:
            key: str | int = token.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and token.isascii() and token.isdecimal():
                key = int(token[:6])
                value = value[key] if len(token) < 6 and key < len(value) else None
            else:
                raise refusal(f"the reference {shown!r} points nowhere", path)
            found.append(key)
        return self._node(value, tuple(found))


def _anchors(schema: Any) -> dict[str, tuple[Any, Path]]:
    """The named places of a schema. Whatever looks like one counts, used or not."""
    found: dict[str, tuple[Any, Path]] = {}
    pending: list[tuple[Any, Path]] = [(schema, ())]
    while pending:
        value, path = pending.pop()
        if isinstance(value, dict):
            for key in _ANCHORS:
                name = value.get(key)
                if not isinstance(name, str):
                    continue
                if name in found and found[name][0] is not value:
                    raise refusal(f"the anchor {name[:80]!r} stands twice", (*path, key))
                found[name] = (value, path)
            pending.extend((one, (*path, key)) for key, one in value.items())
        elif isinstance(value, list):
            pending.extend((one, (*path, index)) for index, one in enumerate(value))
    return found


def _check_embedded(schema: dict[str, Any], path: Path) -> None:
    if isinstance(schema.get("$id"), str):
        raise refusal("only the whole schema may have an $id", (*path, "$id"))
    if schema.get("$schema", DIALECT) != DIALECT:
        detail = f"every part must be in the dialect {DIALECT}"
        raise refusal(detail, (*path, "$schema"))


def refusal(detail: str, path: Path = ()) -> Refused:
    """The refusal of what stands at ``path`` in the schema; says which keyword that is."""
    named = f"{keyword_of(path)}: {detail}" if path else detail
    return refused(
        Code.INVALID_SCHEMA,
        shortened(named),
        pointer=shortened(pointer(("payload_schema", *path))),
    )


def keyword_of(path: Path) -> str:
    """The keyword whose value stands at ``path``, or around it: a name is none."""
    found, tokens = "", iter(path)
    for token in tokens:
        found = str(token)
        if token in _LISTS_AND_MAPS:
            next(tokens, None)
        elif token not in _SCHEMAS:
            break
    return found
