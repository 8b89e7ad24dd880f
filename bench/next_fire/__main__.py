"""``python -m bench.next_fire ours|peers``: walks when told, one line of JSON for each.

Told ``["cronsim", "* * * * *", 1000]`` it answers with microseconds an occurrence and with
the occurrences themselves, in seconds since 1970.
"""

import importlib
import json
import sys


def main() -> None:
    walkers = importlib.import_module(f"bench.next_fire.{sys.argv[1]}")
    for line in sys.stdin:
        name, expression, occurrences = json.loads(line)
        took_s, found = getattr(walkers, name)(expression, occurrences)
        answer = took_s * 1e6 / occurrences, [int(one.timestamp()) for one in found]
        print(json.dumps(answer), flush=True)


main()
