"""Custom resources against the types of their definitions, by the TypeScript compiler.

Schemas of Kubernetes know no custom resource. npm has the definitions of KEDA, the Prometheus
operator, the Gateway API and External Secrets as types: as literals of these, manifests must have
every required field, of the right type, and no unknown one.
"""

import fcntl
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.kubernetes.manifests import Manifest
from ui_build import node

CRDS = Path(__file__).with_name("crds")
MODULES = CRDS / "node_modules"

TYPES = {
    "ScaledObject": "keda/keda.sh/v1alpha1/ScaledObject",
    "PodMonitor": "prometheus-operator/monitoring.coreos.com/v1/PodMonitor",
    "PrometheusRule": "prometheus-operator/monitoring.coreos.com/v1/PrometheusRule",
    "HTTPRoute": "gateway-api/gateway.networking.k8s.io/v1/HTTPRoute",
    # v1 has the fields of v1beta1 that we use; there are no types of it.
    "ExternalSecret": "external-secrets/external-secrets.io/v1beta1/ExternalSecret",
}

OPTIONS = (
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--target",
    "es2022",
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
)
INSTALL_S = 300


def mistakes(found: list[Manifest], folder: Path) -> list[str]:
    """What the compiler has to say of them, a line each; ``folder`` is for its own."""
    lines = [
        f'import type {{ I{kind} }} from "@kubernetes-models/{path}";'
        for kind, path in TYPES.items()
    ]
    for number, one in enumerate(found):
        older = one["apiVersion"] == "external-secrets.io/v1"
        typed = {**one, "apiVersion": "external-secrets.io/v1beta1"} if older else one
        literal = json.dumps(typed)
        lines.append(f"export const manifest{number}: I{one['kind']} = {literal};")
    try:
        modules = _installed()
    except (node.UiBuildError, subprocess.SubprocessError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the types of custom resources could not be installed: {error}")
    (folder / "node_modules").symlink_to(modules)
    (folder / "manifests.ts").write_text("\n".join(lines), encoding="utf-8")
    compiler = MODULES / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [str(node.node_program()), str(compiler), *OPTIONS, "manifests.ts"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout.splitlines()
    assert (done.returncode == 0) == (not said), done.stderr
    return [line for line in said if not line.startswith(" ")]


def _installed() -> Path:
    """The packages of the lock, installed where they are not."""
    lock = (CRDS / "package-lock.json").read_bytes()
    stamp = MODULES / ".installed"
    with (CRDS / ".npmrc").open("rb") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_bytes() != lock:
            program = node.node_program()
            npm = program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            subprocess.run(
                [str(program), str(npm), "ci", "--ignore-scripts", "--loglevel=error"],
                cwd=CRDS,
                check=True,
                timeout=INSTALL_S,
            )
            stamp.write_bytes(lock)
    return MODULES
