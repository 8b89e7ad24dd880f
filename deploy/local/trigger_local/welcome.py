"""What ``etp up`` prints once everything is ready: address, key and requests to try."""

import sys

from .ports import LOOPBACK
from .programs import Platform, reachable

AHEAD_SECONDS = 5
"""How far ahead the first trigger is: soon enough to wait for, late enough to be accepted."""


def web_ui(platform: Platform) -> str:
    """Where the web UI is: on this machine the link signs in.

    The fragment reaches no server; yet over a network it is better typed than sent about.
    """
    address = f"{platform.url}/ui/"
    is_here = reachable(platform.host) in {LOOPBACK, "localhost"}
    return f"{address}#key={platform.secrets.api_key}" if is_here else address


def text(platform: Platform, seconds: float) -> str:
    url, key = platform.url, platform.secrets.api_key
    # BSD and GNU date differ; either way the date is computed when the line is used, not now.
    ahead = f"-v+{AHEAD_SECONDS}S" if sys.platform == "darwin" else f"-d +{AHEAD_SECONDS}seconds"
    return f"""
The Event Trigger Platform is ready ({seconds:.1f} s).

  Web UI   {web_ui(platform)}
  URL      {url}
  API key  {key}
  NATS     {platform.nats_url("client")}
  Files    {platform.home.root}

Create a trigger that fires in {AHEAD_SECONDS} seconds:

curl -sS {url}/triggers/ -H 'X-API-KEY: {key}' -H 'Content-Type: application/json' \\
  -d '{{"name": "hello", "type": "scheduled", "payload": {{"hello": "world"}},
       "schedule_time": "'$(date -u {ahead} +%Y-%m-%dT%H:%M:%SZ)'"}}'

Then see it in the log:

curl -sS {url}/events/ -H 'X-API-KEY: {key}'

Ctrl-C stops everything; nothing is lost.
"""
