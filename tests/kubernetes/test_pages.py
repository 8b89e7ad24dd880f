"""What the pages say to write into an overlay renders, and does what they say."""

import os
import re
from pathlib import Path

from deploy.kubernetes import render
from tests.kubernetes.manifests import KUBERNETES, ROOT, SERVICES, environment, read, workloads

HEADERS = "ETP_TRACE_HEADERS_FILE"


def test_traces_are_turned_on_by_what_their_page_says(tmp_path: Path) -> None:
    import yaml  # with requirements/kubernetes.txt alone

    page = (ROOT / "docs" / "traces.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(# of an overlay's kustomization.yaml\n.*?)```", page, re.DOTALL)
    base = os.path.relpath(KUBERNETES / "base", tmp_path)
    overlay = {"resources": [base], **yaml.safe_load(block[1])}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    found = read(render.rendered(tmp_path))
    services = {one.service: one for one in workloads(found) if one.kind == "Deployment"}
    assert services.keys() == {*SERVICES}
    for one in services.values():
        told = environment(one, found)
        assert told["OTEL_EXPORTER_OTLP_ENDPOINT"].endswith(":4318")
        assert told["ETP_TRACE_RATIO"] == "0.01"
        assert told["ETP_NATS_URL"] == "nats://etp-nats:4222"
        folder, _, key = told[HEADERS].rpartition("/")
        assert folder in {mount["mountPath"] for mount in one.container["volumeMounts"]}
        assert f'"{key}": "authorization=' in page
