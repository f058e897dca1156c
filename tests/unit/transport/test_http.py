"""What a web server may answer, without one."""

from __future__ import annotations

import pytest

from actorsched.errors import ProtocolError
from actorsched.transport.address import parse_address
from actorsched.transport.http import HttpClient

httpx = pytest.importorskip("httpx")


def test_an_answer_that_cannot_be_unpacked_is_an_error_of_ours() -> None:
    """A proxy may say that it has compressed what it has not."""
    client = HttpClient(parse_address("http://127.0.0.1:1", allow_http=True))
    client.close()

    def answer(request: object) -> object:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, content=b"no gzip")

    client._client = httpx.Client(transport=httpx.MockTransport(answer))
    with pytest.raises(ProtocolError, match="answered, and that cannot be read"):
        client.call("ping", {"worker": "w"}, 1.0)
    client.close()
