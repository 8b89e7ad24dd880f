"""The real ``etp`` with stand-ins for the services: for tests of what starts and stops them.

A stand-in answers ``/ready`` and writes its environment to its log; run with a service's name it
is one, run with anything else it is ``etp``.
"""

import http.server
import os
import signal
import sys

from trigger_contracts.subjects import Service


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def stand_in(service: str) -> None:
    def drain(*_: object) -> None:
        print("drained", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, drain)
    address = (os.environ["ETP_HTTP_HOST"], int(os.environ["ETP_HTTP_PORT"]))
    with http.server.ThreadingHTTPServer(address, Ready) as server:
        given = sorted(k for k in os.environ if k.startswith("ETP_"))
        print(f"{service} is up with {' '.join(given)}", flush=True)
        server.serve_forever()


def etp() -> None:
    from trigger_local import cli, programs  # a stand-in must start fast

    programs.service_argv = lambda service: (sys.executable, __file__, service.value)
    cli.main()


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1] in list(Service):
        stand_in(sys.argv[1])
    else:
        etp()
