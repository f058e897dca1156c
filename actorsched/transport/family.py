"""Which addresses a name has. ZeroMQ looks up those of IPv4, or those of IPv6, as it is told.

IPv4 where there is any: a name that has both (`localhost` mostly has) is then found at a scheduler that
listens to IPv4 alone, as ours do unless they are told otherwise.
"""

from __future__ import annotations

import ipaddress
import socket

#: what is known of names that were found; a name that has an address of IPv4 is not looked up again
_known: dict[str, bool] = {}


def wants_ipv6(host: str) -> bool:
    """Whether this host can be reached by IPv6 only. May wait for the system to look up a name."""
    if ":" in host:
        return True
    if host in _known or not host or _is_number(host):
        return _known.get(host, False)
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)
        except OSError:
            continue
        _known[host] = family is socket.AF_INET6
        return _known[host]
    return False  # perhaps the next time


def _is_number(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
