"""Print shell lines that set what the examples need, from the platform of ``make run``.

Use: eval "$(.venv/bin/python examples/environment.py)"    (ETP_DATA_DIR for another data directory)
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

etp = Path(sys.executable).with_name("etp")
data_dir = os.environ.get("ETP_DATA_DIR", ".data")
printed = subprocess.check_output([etp, "status", "--json", "--data-dir", data_dir])
status = json.loads(printed)
for name, value in (
    ("ETP_URL", status["url"]),
    ("ETP_API_KEY", status["api_key"]),
    ("ETP_NATS_URL", status["nats_url"]),
):
    print(f"export {name}={shlex.quote(value)}")
