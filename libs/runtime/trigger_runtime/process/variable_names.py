"""Variables of the environment that look like settings and are none: mostly misspelt ones.

A process has those of others, too: what any service, command or page knows is no mistake.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping

from .environment import PREFIX
from .known_variables import NAMES

_OF_KUBERNETES = re.compile(r"_SERVICE_(HOST|PORT)(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?$")
"""What it adds to every container for a Service that is called ``etp-…``."""


def unknown(environment: Mapping[str, str] = os.environ) -> Iterator[tuple[str, str | None]]:
    """Each with the name that was perhaps meant."""
    for name in sorted(environment):
        known = name.upper() in NAMES or _OF_KUBERNETES.search(name)
        if name.startswith(PREFIX) and not known:
            alike = difflib.get_close_matches(name.upper(), NAMES, n=1, cutoff=0.8)
            yield name, next(iter(alike), None)
