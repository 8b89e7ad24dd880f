"""Clusters whose names are answered elsewhere: the patch that their page gives fits the policy."""

import os
import re
import textwrap
from pathlib import Path

import pytest

from deploy.kubernetes import render
from tests.kubernetes.manifests import (
    KUBERNETES,
    OVERLAYS,
    ROOT,
    Manifest,
    manifests,
    of_kind,
    read,
    strictly_invalid,
)
from tests.kubernetes.test_rendering import OLDEST


def patches() -> list[Manifest]:
    page = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```yaml\n( +- target: [^`]*name: etp-names.*?)```", page, re.DOTALL)
    [found] = read(textwrap.dedent(block))
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_page_lets_pods_ask_a_cache_on_the_node_and_openshift(
    overlay: str, tmp_path: Path
) -> None:
    import yaml  # with requirements/kubernetes.txt alone

    below = os.path.relpath(KUBERNETES / "overlays" / overlay, tmp_path)
    kustomization = {"resources": [below], "patches": patches()}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    found = of_kind(read(render.rendered(tmp_path)), "NetworkPolicy")
    before = of_kind(manifests(overlay), "NetworkPolicy")

    policy = found.pop("etp-names")
    [usual] = before.pop("etp-names")["spec"]["egress"]
    first, cache, openshift = policy["spec"]["egress"]
    assert first == usual
    assert [to["ipBlock"]["cidr"] for to in cache["to"]] == ["169.254.20.10/32", "10.96.0.10/32"]
    assert {port["port"] for port in cache["ports"]} == {53}
    assert {port["port"] for port in openshift["ports"]} == {5353}
    assert not strictly_invalid([policy], f"1.{OLDEST}")
    assert found == before
