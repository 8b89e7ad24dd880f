"""The real ``etp`` with one fault in its scheduler: some commands fail by themselves.

Whatever creates or edits a trigger to have a name that begins with ``FAILS`` raises the error
that the name ends with. It also is in a hurry: what a history keeps too much is erased at once, by
the product a minute later. Both are the tests' own; the product knows nothing of it. Run with
``scheduler`` it is that scheduler, run with anything else it is ``etp``.
"""

import builtins
import sys
from datetime import timedelta
from typing import Any

from trigger_contracts.subjects import Service

FAILS = "fails with "
COMMAND = (sys.executable, __file__)


def scheduler() -> int:
    from trigger_runtime.worker import run
    from trigger_scheduler.bootstrap import serve
    from trigger_scheduler.handlers import command_cases, history
    from trigger_scheduler.settings import Settings

    decide = command_cases.decide

    def fails(command: Any, *arguments: Any, **named: Any) -> Any:
        _, found, rest = command.model_dump_json().partition(f'"{FAILS}')
        if found:
            raise getattr(builtins, rest.partition('"')[0])("a fault of the test's")
        return decide(command, *arguments, **named)

    command_cases.decide = fails
    history.SUPERSEDED_FOR, history.PAUSE = timedelta(), timedelta(seconds=0.2)
    return run(lambda: serve(Settings()))


def etp() -> None:
    from trigger_local import cli, programs

    argv = programs.service_argv

    def faulty(service: Service) -> tuple[str, ...]:
        return (*COMMAND, service.value) if service is Service.SCHEDULER else argv(service)

    programs.service_argv = faulty
    cli.main()


if __name__ == "__main__":
    if sys.argv[1:] == [Service.SCHEDULER.value]:
        sys.exit(scheduler())
    etp()
