"""The services have one shape: whoever knows one finds a line of another."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from trigger_contracts.subjects import Service

ROOT = Path(__file__).parents[2]
ANSWERS = re.compile(r"\.(ack|nak)\(|\b(ack_all|redeliver)\(")
"""How a delivery is acknowledged, or comes again."""


def sources(*tops: str) -> Iterator[tuple[str, str]]:
    for top in tops:
        for path in sorted((ROOT / top).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def package(service: Service) -> Path:
    return ROOT / "services" / service / f"trigger_{service}"


@pytest.mark.parametrize("service", Service)
def test_each_service_has_the_same_rooms(service: Service) -> None:
    rooms = {path.name for path in package(service).iterdir() if path.is_dir()}
    assert rooms - {"__pycache__", "ports", "migrations", "built_ui"} == {
        "adapters",
        "domain",
        "entrypoints",
        "handlers",
    }
    files = {path.stem for path in package(service).glob("*.py")}
    assert files | rooms >= {"__main__", "bootstrap", "settings", "ports"}
    assert files <= {"__init__", "__main__", "bootstrap", "settings", "ports"}


@pytest.mark.parametrize("service", Service)
def test_each_service_is_built_and_served_in_the_same_way(service: Service) -> None:
    bootstrap = importlib.import_module(f"trigger_{service}.bootstrap")
    assert list(inspect.signature(bootstrap.build).parameters) == ["settings"]
    assert list(inspect.signature(bootstrap.serve).parameters) == ["settings"]
    assert inspect.iscoroutinefunction(bootstrap.serve)


@pytest.mark.parametrize("service", Service)
def test_metrics_are_functions_of_one_module(service: Service) -> None:
    """Nobody else knows Prometheus, and no class stands between a use case and a counter."""
    meter = package(service) / "adapters" / "meter.py"
    knows = [path for path, text in sources(f"services/{service}") if "prometheus_client" in text]
    assert knows == [str(meter.relative_to(ROOT))]
    tree = ast.parse(meter.read_text(encoding="utf-8"))
    assert not [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("service", Service)
def test_use_cases_are_told_of_adapters_by_bootstrap_alone(service: Service) -> None:
    for room in ("domain", "handlers", "entrypoints", "ports"):
        for path, text in sources(f"services/{service}/trigger_{service}/{room}"):
            assert not re.search(r"(import|from) .*\badapters\b", text), path


def test_deliveries_are_acknowledged_and_come_again_in_one_place() -> None:
    places = {path for path, text in sources("services", "libs") if ANSWERS.search(text)}
    assert places
    assert {str(Path(path).parent) for path in places} == {"libs/runtime/trigger_runtime/consuming"}
