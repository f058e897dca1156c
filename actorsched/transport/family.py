"""Which addresses a name has. ZeroMQ looks up those of IPv4, or those of IPv6, as it is told.

IPv4 where there is any: a name that has both (`localhost` mostly has) is then found at a scheduler that
listens to IPv4 alone, as ours do unless they are told otherwise.

The system may take half a minute to find out that nobody answers for a name. So it is asked in a thread, and
whoever has to know waits for a moment only; the next time, the answer may be there.
"""

from __future__ import annotations

import ipaddress
import socket
import threading

#: seconds; a name server answers in a few milliseconds, or not at all
WAIT_S = 0.5

#: whether a name that was found has addresses of IPv6 only; it is not looked up again
_known: dict[str, bool] = {}
_asking: dict[str, threading.Thread] = {}


def wants_ipv6(host: str) -> bool:
    """Whether this host can be reached by IPv6 only, as far as is known. Waits `WAIT_S` at most."""
    if ":" in host:
        return True
    if host in _known or not host or _is_number(host):
        return _known.get(host, False)
    thread = _asking.get(host)
    if thread is None or not thread.is_alive():
        thread = _asking[host] = threading.Thread(target=_look_up, args=(host,), name="names", daemon=True)
        thread.start()
    thread.join(WAIT_S)
    return _known.get(host, False)


def _look_up(host: str) -> None:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # some texts cannot be names at all
            continue
        _known[host] = family is socket.AF_INET6
        return


def _is_number(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
