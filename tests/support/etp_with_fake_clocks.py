"""The real ``etp``, some of whose programs are started on wall clocks of the test's own.

Which ones, and what to add to the environment of each, is in the variable ``CLOCKS``. Made and
used by ``fake_clock``.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

from trigger_local import cli, programs
from trigger_local.child import Program
from trigger_local.supervised import Spec

CLOCKS = "FAKE_CLOCKS"
COMMAND = (sys.executable, __file__)

Environments = Mapping[str, Mapping[str, str]]


def on_clock(spec: Spec, clocks: Environments) -> Spec:
    def prepare() -> Program:
        program = spec.prepare()
        return replace(program, env={**program.env, **clocks.get(spec.name, {})})

    return replace(spec, prepare=prepare)


def main() -> None:
    clocks: Environments = json.loads(os.environ.pop(CLOCKS, "{}"))
    servers, services = programs.servers, programs.services

    def faked(make: Callable[..., object]) -> Callable[..., object]:
        return lambda *arguments: [on_clock(spec, clocks) for spec in make(*arguments)]

    programs.servers, programs.services = faked(servers), faked(services)
    cli.main()


if __name__ == "__main__":
    main()
