"""Clients that are none of ours: they send what is no request, or what a store cannot hold."""

from __future__ import annotations

from actorsched.rpc.envelope import write_call
from actorsched.simulation.node import Node
from actorsched.simulation.request_sockets import ReqEnd
from actorsched.transport.address import Address

#: their nodes are called so, with a number
STRANGER = "stranger"
#: the mean time between two frames of one, in seconds
STRANGE_S = 1.0
#: a task of this family cannot be stored: in truth it has, say, a number that is too large for the database
INDIGESTIBLE = "Indigestible"
#: how long one waits for an answer
PATIENCE_S = 5.0

GARBAGE = (b"", b"{", b"\x00\xff", b"[]", b"7", b'{"jsonrpc":"2.0","method":"add_task","params":3,"id":1}')


def disturb(node: Node, address: Address) -> None:
    """Send one frame, and look at the answer, if there is one."""
    random = node.hub.random
    if random.random() < 0.5:
        frame = random.choice(GARBAGE)
    else:
        client = node.urn("client")
        task = {"task_id": f"{INDIGESTIBLE}_{client}", "family": INDIGESTIBLE, "worker": client}
        frame = write_call("add_task", {**task, "runnable": False}, 1, client, 1)
    socket = ReqEnd(node.network, node, address, patient=False)
    try:
        if socket.send(frame, PATIENCE_S):
            socket.receive(PATIENCE_S)
    finally:
        socket.close()
