"""The address of a webhook, as its owner writes it: read once, so that nobody reads it otherwise.

What is refused here is refused by REST and by NATS alike, without a packet and without a name
server. What a name resolves to is asked when it is known (``addresses``). Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from trigger_contracts.errors import Code, Refused, refused

from .addresses import SETTING, Address, Allowance, port_refusal
from .hosts import HostError, canonical_name, ipv4, is_local

MAX_URL = 2048
HTTP_SETTING = "ETP_WEBHOOK_HTTP"
POINTER = "/url"

_DEFAULT_PORTS = {"http": 80, "https": 443}
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#\\]*)(?P<rest>[^#]*)(?P<fragment>#.*)?",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[^:]*))?")
_PATH = re.compile(r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]|^`{}-])*")
"""With what browsers leave as it is, though RFC 3986 has it encoded."""


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """Where a webhook goes: ``host`` is what is looked up, or ``address`` what is connected."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query, as they are sent."""
    address: Address | None

    @property
    def origin(self) -> str:
        """Scheme, host and port: what may be shown of a URL whose path may be a secret."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def name(self) -> str | None:
        """The name that is to be looked up; None for a literal address."""
        return self.host if self.address is None else None


def parse_url(text: str) -> WebhookUrl:
    """The parts of ``text``; raises ``Refused`` where it is no URL that a webhook can have."""
    if len(text) > MAX_URL:
        raise _invalid(f"at most {MAX_URL} characters are allowed")
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in text):
        raise _invalid("a URL has no spaces and no control characters")
    match = _URL.fullmatch(text)
    if match is None or match["scheme"].lower() not in _DEFAULT_PORTS:
        raise _invalid("it must begin with https:// or http://, and have a host behind that")
    if "@" in match["authority"]:
        raise _invalid("no user and password may be in a URL: send them in `secret_headers`")
    if match["fragment"] is not None:
        raise _invalid("a fragment (#…) is never sent: leave it out")
    if not _PATH.fullmatch(match["rest"]):
        raise _invalid("what is neither ASCII nor allowed in a path must be percent-encoded (%2F)")
    authority = _AUTHORITY.fullmatch(match["authority"])
    if authority is None:
        raise _invalid("the host is no name and no address")
    scheme = match["scheme"].lower()
    host, address = _host(authority["host"])
    rest = match["rest"]
    return WebhookUrl(
        scheme,
        host,
        _port(authority["port"], scheme),
        rest if rest.startswith("/") else f"/{rest}",
        address,
    )


def check_url(url: WebhookUrl, allowance: Allowance, *, is_http_allowed: bool) -> None:
    """Refuse what is known to be no allowed address before any name is looked up."""
    if url.address is not None:
        why = allowance.refusal(url.address, url.port)
    elif allowance.allows_name(url.host, url.port):
        why = None
    elif is_local(url.host):
        why = f"{url.host} is the platform's own machine"
    else:
        why = port_refusal(url.port)
    if why is not None:
        raise not_allowed(why)
    if url.scheme == "http" and not (is_http_allowed or _is_named(url, allowance)):
        raise not_allowed(
            f"http:// is allowed to what {SETTING} names alone: use https://, or set "
            f"{HTTP_SETTING}=always",
            names_setting=False,
        )


def check_resolved(url: WebhookUrl, allowance: Allowance, addresses: Sequence[Address]) -> None:
    """Refuse a URL whose name has ``addresses`` and none of them is allowed, as an attempt would.

    A name without any is accepted: it may have some by then. Which they are is not said, since who
    asks may not be one to know a company's own names.
    """
    refusals = [allowance.refusal(one, url.port, url.name) for one in addresses]
    if refusals and all(refusals):
        raise not_allowed(f"{url.host} has no address that is allowed: none of them is public")


def not_allowed(why: str, *, names_setting: bool = True) -> Refused:
    """The refusal of an address; it names what an operator may change."""
    hint = f". The operator may allow it: {SETTING}" if names_setting else ""
    return refused(Code.ADDRESS_NOT_ALLOWED, f"{why}{hint}", pointer=POINTER)


def _is_named(url: WebhookUrl, allowance: Allowance) -> bool:
    if url.address is None:
        return allowance.allows_name(url.host, url.port)
    return allowance.allows_address(url.address, url.port)


def _host(text: str) -> tuple[str, Address | None]:
    if text.startswith("["):
        inner = text[1:-1]
        if "%" in inner:
            raise not_allowed(f"{inner} has a scope: it is on a link of the platform's own machine")
        try:
            address6 = IPv6Address(inner)
        except ValueError:
            raise _invalid("what stands in brackets must be an IPv6 address") from None
        return str(address6), address6
    try:
        name = canonical_name(text)
        address = ipv4(name)
    except HostError as error:
        raise _invalid(str(error)) from None
    return name, address


def _port(text: str | None, scheme: str) -> int:
    if text is None:
        return _DEFAULT_PORTS[scheme]
    if not text.isascii() or not text.isdigit() or len(text) > 5 or not 1 <= int(text) <= 65535:
        raise _invalid("a port is a number from 1 to 65535")
    return int(text)


def _invalid(detail: str) -> Refused:
    return refused(Code.INVALID, detail, pointer=POINTER)
