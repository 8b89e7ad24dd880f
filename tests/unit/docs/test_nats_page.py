"""What the page about NATS shows is what the platform understands."""

import re
from pathlib import Path
from typing import Any

from trigger_contracts.targets.sealing import is_sealed, new_key, opening_keys

PAGE = Path(__file__).parents[3] / "docs" / "nats.md"


def test_what_the_page_seals_is_opened() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(next(block for block in blocks if "def seal" in block), names)
    keys = opening_keys([new_key()])
    for field in ("secret", "secret_headers/x-token"):
        sealed = names["seal"]("whsec_é", keys.current.text, "t", field)
        assert is_sealed(sealed)
        assert keys.open(sealed, target_id="t", field=field) == "whsec_é"
