"""Who may be connected, and who makes room."""

from dataclasses import dataclass

import pytest

from trigger_runtime.http.connections import LEAST, OWN_FILES, Connections, address_of, room


@dataclass(eq=False)
class Client:
    address: str = "a"
    idle: float | None = None
    is_evicted: bool = False

    def idle_since(self) -> float | None:
        return self.idle

    def evict(self) -> None:
        self.is_evicted = True


def test_the_oldest_that_said_nothing_makes_room_before_one_that_did() -> None:
    connections: Connections[Client] = Connections(3, 3)
    kept, silent, other = Client(idle=1.0), Client(idle=2.0), Client(idle=3.0)
    assert all(map(connections.admit, (kept, silent, other)))
    connections.has_asked(kept)
    assert connections.admit(Client())
    assert [one.is_evicted for one in (kept, silent, other)] == [False, True, False]
    assert len(connections) == 3


def test_of_those_that_asked_the_longest_idle_goes_and_none_that_is_answered() -> None:
    connections: Connections[Client] = Connections(3, 3)
    busy, longer, shorter = Client(idle=None), Client(idle=1.0), Client(idle=2.0)
    for one in (busy, shorter, longer):
        assert connections.admit(one)
        connections.has_asked(one)
    assert connections.admit(Client(idle=5.0))
    assert longer.is_evicted
    assert not shorter.is_evicted
    assert not busy.is_evicted


def test_where_nobody_is_idle_there_is_no_room() -> None:
    connections: Connections[Client] = Connections(2, 2)
    for one in (busy := Client(), Client()):
        assert connections.admit(one)
        connections.has_asked(one)
    assert not connections.admit(Client())
    connections.leave(busy)
    connections.leave(busy)
    assert connections.admit(Client())


def test_an_address_that_has_many_makes_room_for_others_and_not_the_reverse() -> None:
    connections: Connections[Client] = Connections(4, 3)
    many = [Client("many", idle=float(number)) for number in range(3)]
    few = Client("few", idle=0.0)
    assert all(map(connections.admit, (few, *many)))
    assert connections.admit(Client("many"))
    assert [one.is_evicted for one in many] == [True, False, False]
    assert connections.admit(Client("new"))
    assert [one.is_evicted for one in many] == [True, True, False]
    assert not few.is_evicted


@pytest.mark.parametrize(
    ("files", "most", "of_one"),
    [(1024, 1024 - OWN_FILES, 672), (20_000, 4096, 2048), (100, LEAST, 12), (-1, 4096, 2048)],
)
def test_there_are_fewer_connections_than_files(files: int, most: int, of_one: int) -> None:
    assert room(4096, 2048, files) == (most, of_one)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:db8:0:1::9", "2001:db8:0:1::/64"),
        ("somewhere", "somewhere"),
    ],
)
def test_an_address_is_what_one_customer_is_given(host: str, address: str) -> None:
    assert address_of(host) == address
