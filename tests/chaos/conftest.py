import tempfile

import pytest


@pytest.fixture(autouse=True)
def _on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Syncs take as long as they do: what is killed here is killed in the midst of them, too."""
    monkeypatch.setattr(tempfile, "tempdir", None)
