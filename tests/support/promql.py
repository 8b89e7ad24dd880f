"""Which metrics an expression of PromQL names, and by which labels it speaks of them."""

from collections.abc import Iterator
from typing import Any

import promql_parser

SUFFIXES = ("_bucket", "_count", "_sum")
"""Of the series of a histogram."""


def selectors(expression: str) -> Iterator[Any]:
    """Every selector in it, wherever it stands; raises ValueError for what is no PromQL."""
    yield from _selectors(promql_parser.parse(expression))


def names(expression: str) -> set[str]:
    """The metrics that it reads, histograms by their own name."""
    return {_family(one.name) for one in selectors(expression)}


def _family(name: str) -> str:
    return next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)


def _selectors(node: Any) -> Iterator[Any]:
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    elif isinstance(node, promql_parser.MatrixSelector):
        yield node.vector_selector
    elif isinstance(node, promql_parser.Call):
        for argument in node.args:
            yield from _selectors(argument)
    elif isinstance(node, promql_parser.BinaryExpr):
        yield from _selectors(node.lhs)
        yield from _selectors(node.rhs)
    elif isinstance(node, promql_parser.NumberLiteral | promql_parser.StringLiteral):
        return
    else:  # an aggregation, parentheses, a sign, a subquery
        yield from _selectors(node.expr)
