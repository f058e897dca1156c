"""Addresses, good and bad."""

from __future__ import annotations

import pytest

from actorsched.errors import AddressError
from actorsched.transport.address import parse_address, parse_bind, parse_endpoints


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
        ("tcp://user:pass@host:1", "more than a host and a port"),
        ("tcp://host:1/path", "more than a host and a port"),
        ("tcp://ho st:1", "white space"),
        ("tcp://[::1:8081", "expected tcp://HOST:PORT"),
        ("ipc://", "nothing after ipc://"),
        ("ipc:///" + "x" * 200, "shorter"),
        ("inproc://", "nothing after inproc://"),
    ],
)
def test_a_bad_address_is_named_with_the_remedy(text: str, remedy: str) -> None:
    """ZeroMQ would say "Invalid argument"."""
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert remedy in str(caught.value)
    assert repr(text) in str(caught.value)


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
    with pytest.raises(AddressError, match="allow_remote=True"):
        parse_bind(text)
    assert parse_bind(text, allow_remote=True).scheme == "tcp"
