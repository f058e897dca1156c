"""Addresses, good and bad."""

from __future__ import annotations

import pytest

from actorsched.errors import AddressError
from actorsched.transport.address import parse_address, parse_bind, parse_endpoints, parse_events, redacted


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("tcp://127.0.0.1:8081", "tcp://127.0.0.1:8081"),
        ("tcp://example.org:1", "tcp://example.org:1"),
        ("tcp://[::1]:8081", "tcp://[::1]:8081"),
        ("tcp://host:8081/", "tcp://host:8081"),
        ("ipc:///tmp/a.sock", "ipc:///tmp/a.sock"),
        ("inproc://name", "inproc://name"),
    ],
)
def test_a_good_address_is_understood(text: str, endpoint: str) -> None:
    """And written as ZeroMQ wants it."""
    assert parse_address(text).endpoint == endpoint


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "expected tcp://HOST:PORT"),
        ("localhost:8081", "expected tcp://HOST:PORT"),
        ("http://host:8082", "expected tcp://HOST:PORT"),
        ("tcp://host", "tcp://host:8081"),
        ("tcp://:8081", "no host"),
        ("tcp://host:0", "port 0"),
        ("tcp://host:99999", "expected tcp://HOST:PORT"),
        ("tcp://host:abc", "expected tcp://HOST:PORT"),
        ("tcp://*:8081", "say the host"),
        ("tcp://0.0.0.0:8081", "say the host"),
        ("tcp://user@127.0.0.1:1", "both a user and a password"),
        ("tcp://host:1/path", "more than a host and a port"),
        ("tcp://ho st:1", "white space"),
        ("tcp://[::1:8081", "expected tcp://HOST:PORT"),
        ("ipc://", "nothing after ipc://"),
        ("ipc:///" + "x" * 200, "shorter"),
        ("inproc://", "nothing after inproc://"),
        ("ipc://@name", "name a path"),
        ("ipc://a@b", "ipc://USER:PASSWORD@/PATH"),
    ],
)
def test_a_bad_address_is_named_with_the_remedy(text: str, remedy: str) -> None:
    """ZeroMQ would say "Invalid argument"."""
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert remedy in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "tcp://eve:pass@host:1",
        "tcp://eve:pass@127.0.0.1:99999",
        "tcp://eve:pass@127.0.0.1:0",
        "tcp://eve:pass@127.0.0.1",
        "tcp://eve:p/ass@127.0.0.1:1",
        "tcp://eve:pass@:1",
        "tcp://eve:pass@*:1",
        "tcp://eve:pass@127.0.0.1:1/p",
        "tcp://eve:pass@[::1",
        "nonsense://eve:pass@host",
        "ipc://eve:pass@path",
        "ipc://eve:pass@/" + "x" * 200,
        "ipc://eve:p/ass@/path",
        "tcp://a:1,tcp://eve:pass@host:2",
    ],
)
def test_no_error_shows_a_password(text: str) -> None:
    """Errors end up in logs, and logs in tickets."""
    for parse in (parse_endpoints, parse_bind):
        with pytest.raises(AddressError) as caught:
            parse(text)
        assert "pass" not in str(caught.value).replace("password", "")
        assert "eve" in str(caught.value) or parse is parse_bind
    assert ":***@" in redacted(text)


def test_a_password_is_understood_and_not_shown() -> None:
    """In the forms that it may have."""
    address = parse_address("tcp://eve:p%2Css%40%3A@127.0.0.1:1")
    assert (address.user, address.password) == ("eve", "p,ss@:")
    assert "p,ss" not in repr(address)
    assert str(address) == "tcp://127.0.0.1:1"
    assert parse_address("tcp://eve:word@host:1", allow_clear_password=True).host == "host"
    assert redacted("tcp://a:b@c:1,tcp://d:e@f:2") == "tcp://a:***@c:1,tcp://d:***@f:2"


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("http://host", "http://host:8082"),
        ("https://host/luigi/", "https://host:443/luigi"),
        ("http://u:p@localhost:1", "http://localhost:1"),
        ("https://u:p@host", "https://host:443"),
        ("http+unix://%2Frun%2Fluigid.sock", "http+unix://%2Frun%2Fluigid.sock"),
        ("http+unix://u:p@%2Frun%2Fluigid.sock/", "http+unix://%2Frun%2Fluigid.sock"),
    ],
)
def test_the_address_of_a_luigid_is_understood(text: str, endpoint: str) -> None:
    """As Luigi writes them."""
    address = parse_address(text, allow_http=True)
    assert address.endpoint == endpoint
    assert address.password == ("p" if "u:p" in text else "")


@pytest.mark.parametrize("text", ["http+unix://run", "http+unix://", "http://", "http://host?q=1"])
def test_a_bad_address_of_a_luigid_is_named(text: str) -> None:
    """With the remedy."""
    with pytest.raises(AddressError):
        parse_address(text, allow_http=True)


def test_two_kinds_of_schedulers_are_not_mixed() -> None:
    """They speak different protocols."""
    with pytest.raises(AddressError, match="mixed"):
        parse_endpoints("http://a,tcp://b:1", allow_http=True)


@pytest.mark.parametrize("text", ["tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://10.0.0.1:1", "tcp://*:1"])
def test_only_the_protected_may_be_reached_by_strangers(text: str) -> None:
    """Keys protect; passwords only where nobody listens in."""
    with pytest.raises(AddressError, match="actorsched keygen"):
        parse_bind(text)
    assert parse_bind(text, protected="CURVE").port == 1
    with pytest.raises(AddressError, match="actorsched keygen"):
        parse_bind(text, protected="PLAIN")
    assert parse_bind(text, protected="PLAIN", allow_remote=True).port == 1
    assert parse_bind(text, allow_remote=True).port == 1


def test_several_addresses_are_separated_by_commas() -> None:
    """They are tried in turn."""
    assert [str(a) for a in parse_endpoints("tcp://a:1, tcp://b:2")] == ["tcp://a:1", "tcp://b:2"]
    with pytest.raises(AddressError):
        parse_endpoints("tcp://a:1,")


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:*"),
        ("tcp://127.0.0.1:*", "tcp://127.0.0.1:*"),
        ("tcp://localhost:8081", "tcp://127.0.0.1:8081"),
        ("tcp://127.3.2.1:1", "tcp://127.3.2.1:1"),
        ("tcp://[::1]:0", "tcp://[::1]:*"),
        ("ipc:///tmp/a", "ipc:///tmp/a"),
        ("inproc://a", "inproc://a"),
    ],
)
def test_a_local_address_may_be_bound(text: str, endpoint: str) -> None:
    """Only this machine can reach it."""
    assert parse_bind(text).endpoint == endpoint


@pytest.mark.parametrize(
    "text", ["tcp://*:8081", "tcp://0.0.0.0:0", "tcp://10.0.0.1:1", "tcp://eth0:1", "tcp://[::]:1"]
)
def test_an_address_for_strangers_needs_permission(text: str) -> None:
    """Whoever reaches a scheduler can make its workers run things."""
    with pytest.raises(AddressError, match="allow_remote"):
        parse_bind(text)
    assert parse_bind(text, allow_remote=True).scheme == "tcp"


def test_a_password_for_a_unix_socket_is_understood_and_not_shown() -> None:
    """There is more than one user on a machine; and the hints want it as well."""
    address = parse_address("ipc://eve:p%40ss%2F@/run/a@b.sock")
    assert (address.user, address.password, address.name) == ("eve", "p@ss/", "/run/a@b.sock")
    assert address.endpoint == str(address) == "ipc:///run/a@b.sock"
    hints = parse_events("ipc:///run/a@b.sock.events", address)
    assert (hints.user, hints.password, hints.name) == ("eve", "p@ss/", "/run/a@b.sock.events")
    assert parse_address("ipc:///run/a:b@c").name == "/run/a:b@c"
