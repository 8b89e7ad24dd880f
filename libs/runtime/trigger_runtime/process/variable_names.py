"""Variables of the environment that look like settings and are none: mostly misspelt ones.

A process has those of others, too: what any service, command or page knows is no mistake.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping

from .environment import PREFIX
from .known_variables import NAMES

_OF_KUBERNETES = re.compile(r"_SERVICE_(HOST|PORT)(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$")
"""What it adds to every container for a Service that is called ``etp-…``."""
_ADDRESS_OF_KUBERNETES = ("tcp://", "udp://", "sctp://")
"""It adds one in a variable as well whose name alone could be that of a setting: ``…_PORT``."""


def unknown(environment: Mapping[str, str] = os.environ) -> Iterator[tuple[str, str | None]]:
    """Each with the name that was perhaps meant."""
    for name in sorted(environment):
        known = name.upper() in NAMES or _is_of_kubernetes(name, environment[name])
        if name.startswith(PREFIX) and not known:
            alike = difflib.get_close_matches(name.upper(), NAMES, n=1, cutoff=0.8)
            yield name, next(iter(alike), None)


def _is_of_kubernetes(name: str, value: str) -> bool:
    address = name.endswith("_PORT") and value.startswith(_ADDRESS_OF_KUBERNETES)
    return address or _OF_KUBERNETES.search(name) is not None
