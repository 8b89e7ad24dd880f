"""The real ``etp`` whose deliverers may reach less than its gateway takes.

As after an operator has narrowed ``ETP_WEBHOOK_ALLOW``, or a name has moved: a target that was
accepted must not be connected to. Deliverers are given the value of ``NARROW``, everybody else
that of ``ETP_WEBHOOK_ALLOW``. No name is looked up for it.
"""

import os
import sys

NARROW = "TEST_WEBHOOK_ALLOW"
COMMAND = (sys.executable, __file__)


def etp() -> None:
    from trigger_contracts.heartbeats import DELIVER
    from trigger_contracts.subjects import Service
    from trigger_local import cli, programs

    usual = programs.environment

    def narrowed(platform: programs.Platform, name: str, service: Service) -> dict[str, str]:
        settings = usual(platform, name, service)
        if name.partition("-")[0] == DELIVER:
            settings["ETP_WEBHOOK_ALLOW"] = os.environ[NARROW]
        return settings

    programs.environment = narrowed
    cli.main()


if __name__ == "__main__":
    etp()
