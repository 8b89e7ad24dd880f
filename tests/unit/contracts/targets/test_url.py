"""URLs of webhooks: each spelling of an address is that address, and what is none is refused."""

from ipaddress import ip_address

import pytest

from trigger_contracts.errors import Code, Refused
from trigger_contracts.targets.addresses import Allowance, allowance
from trigger_contracts.targets.url import MAX_URL, WebhookUrl, check_resolved, check_url, parse_url


def refusal(text: str, *allowed: str, http: bool = False) -> Code | None:
    """How ``text`` is refused, if at all."""
    try:
        check_url(parse_url(text), allowance(allowed), is_http_allowed=http)
    except Refused as error:
        problem = error.problem
    else:
        return None
    assert [one.pointer for one in problem.errors] == ["/url"]
    return problem.code


@pytest.mark.parametrize(
    ("text", "origin", "target"),
    [
        ("https://a.example", "https://a.example", "/"),
        ("HTTPS://A.Example:443/x?y=1", "https://a.example", "/x?y=1"),
        ("https://a.example?y", "https://a.example", "/?y"),
        ("https://a.example.:8443/", "https://a.example:8443", "/"),
        ("http://a.example:80", "http://a.example", "/"),
        ("https://[2606:4700::0:1]:8443/a", "https://[2606:4700::1]:8443", "/a"),
        ("https://1.1.1.1/%2f..//{b}", "https://1.1.1.1", "/%2f..//{b}"),
        ("https://bücher.example/", "https://xn--bcher-kva.example", "/"),
        ("https://my_service.example/", "https://my_service.example", "/"),
    ],
)
def test_a_url_is_read_and_its_path_left_as_it_is(text: str, origin: str, target: str) -> None:
    url = parse_url(text)
    assert (url.origin, url.target) == (origin, target)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "0X7F.1",
        "127.0.0.1.",
        "0",
        "0x",
        "0.0.0.0",
        "169.254.169.254",
        "0xa9fea9fe",
        "10.1",
        "192.168.257",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[2001:0:53aa:64c:0:0:80ff:fffe]",
        "[::127.0.0.1]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[fc00::1]",
        "[2001:db8::1]",
        "\uff11\uff12\uff17.0.0.1",
        "127\u30020\u30020\u30021",
        "\u2460\u2461\u2466.0.0.1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",
        "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54",
    ],
)
def test_whatever_spells_a_private_address_is_not_allowed(host: str) -> None:
    for text in (f"https://{host}", f"https://{host}:8443/x"):
        assert refusal(text) is Code.ADDRESS_NOT_ALLOWED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.example",
        "//a.example/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "javascript:alert(1)",
        "https:/a.example",
        "https:a.example",
        "https://",
        "https:///x",
        "https://?x",
        "https://user@a.example/",
        "https://user:secret@a.example/",
        "https://a.example@127.0.0.1/",
        "https://a.example\\@127.0.0.1/",
        "https://a.example/#x",
        "https://a.example/#",
        "https://a.example:/",
        "https://a.example:0/",
        "https://a.example:65536/",
        "https://a.example:443443443/",
        "https://a.example:\u0664\u0664\u0663/",
        "https://a.example:+443/",
        "https://a.example:-1/",
        "https://a b.example/",
        " https://a.example/",
        "https://a.example/\r\nX: y",
        "https://a.example/\x00",
        "https://a.example/\x7f",
        "https://a.example/é",
        "https://a.example/%",
        "https://a.example/%2",
        "https://a.example/<x>",
        "https://a..example/",
        "https://.example/",
        "https://-a.example/",
        "https://a-.example/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 126}example/",
        "https://a%2eexample/",
        "https://[::1",
        "https://::1/",
        "https://[v1.a]/",
        "https://[1.2.3.4]/",
        "https://[::1]x/",
        "https://1.2.3.4.5/",
        "https://256.1.1.1/",
        "https://1.2.3.0x1ff/",
        "https://1.2.3.08/",
        "https://a.1/",
        "https://4294967296/",
        "https://xn--a-/",
        f"https://a.example/{'x' * MAX_URL}",
    ],
)
def test_what_is_no_url_of_a_webhook_is_invalid(text: str) -> None:
    assert refusal(text) is Code.INVALID


@pytest.mark.parametrize("port", [1, 22, 25, 79, 81, 442, 444, 1023])
def test_an_odd_port_is_not_allowed(port: int) -> None:
    for host in ("a.example", "8.8.8.8", "[2606:4700::1]"):
        assert refusal(f"https://{host}:{port}/") is Code.ADDRESS_NOT_ALLOWED
    assert refusal("https://a.example:1024/") is None


def test_http_is_allowed_to_what_the_operator_names_or_everywhere_where_they_say_so() -> None:
    assert refusal("http://a.example/") is Code.ADDRESS_NOT_ALLOWED
    assert refusal("http://8.8.8.8/") is Code.ADDRESS_NOT_ALLOWED
    assert refusal("http://a.example/", http=True) is None
    assert refusal("http://8.8.8.8/", http=True) is None
    assert refusal("http://a.example/", "a.example") is None
    assert refusal("http://a.example:9000/", "a.example:9000") is None
    assert refusal("http://a.example/", "a.example:9000") is Code.ADDRESS_NOT_ALLOWED
    assert refusal("http://127.0.0.1:9000/", "127.0.0.1:9000") is None
    assert refusal("http://localhost:9000/", "localhost:9000") is None
    assert refusal("http://localhost:9000/", "127.0.0.1:9000") is Code.ADDRESS_NOT_ALLOWED
    assert refusal("http://127.0.0.1:9000/", http=True) is Code.ADDRESS_NOT_ALLOWED


def test_the_refusal_names_the_setting_that_may_allow_it() -> None:
    for text, setting in (
        ("https://10.0.0.1/", "ETP_WEBHOOK_ALLOW"),
        ("https://localhost/", "ETP_WEBHOOK_ALLOW"),
        ("http://a.example/", "ETP_WEBHOOK_HTTP"),
    ):
        with pytest.raises(Refused) as error:
            check_url(parse_url(text), Allowance(), is_http_allowed=False)
        assert setting in error.value.problem.detail


def test_what_is_looked_up_is_a_name_and_what_is_connected_an_address() -> None:
    assert parse_url("https://A.example./").name == "a.example"
    literal: WebhookUrl = parse_url("https://0x08080808/")
    assert (literal.name, str(literal.address)) == (None, "8.8.8.8")


@pytest.mark.parametrize(
    ("addresses", "is_refused"),
    [
        ((), False),
        (("1.1.1.1", "10.0.0.1"), False),
        (("10.0.0.1", "::ffff:127.0.0.1"), True),
        (("169.254.169.254",), True),
    ],
)
def test_a_name_is_refused_where_none_of_its_addresses_is_allowed(
    addresses: tuple[str, ...], *, is_refused: bool
) -> None:
    url, found = parse_url("https://a.example/"), [ip_address(one) for one in addresses]
    if not is_refused:
        check_resolved(url, Allowance(), found)
        return
    with pytest.raises(Refused) as caught:
        check_resolved(url, Allowance(), found)
    assert caught.value.problem.code is Code.ADDRESS_NOT_ALLOWED
    check_resolved(url, allowance(["a.example", "10.0.0.0/8"]), [ip_address("10.0.0.1")])
