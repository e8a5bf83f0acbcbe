"""The Python client's frames: bytes and descriptors, right and wrong."""

import os
import socket

import forkserverd
import msgpack
import pytest
from forkserverd.wire import Decoder, Event, Request, Response
from test_protocol import EXAMPLES

pytestmark = pytest.mark.usefixtures("deadline")


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.settimeout(30)
        yield ours, theirs


def messages(decoder, sock):
    while decoder.read(sock):
        yield from decoder


def test_requests_are_the_protocols_bytes(pair):
    """PROTOCOL.md's own examples, of client and daemon."""
    ours, theirs = pair
    checked = 0
    for _, text in EXAMPLES:
        wanted = bytes.fromhex(text)
        match msgpack.unpackb(wanted, use_list=False):
            case (0, id, method, params):
                request = Request(method, params[0] if params else {})
                request.number(id)
                assert request.send(ours)
                got = theirs.recv(65536)
                # No params may be [] as well as [{}].
                assert got == wanted or (not params and got == wanted[:-1] + b"\x91\x80")
                checked += 1
    assert checked >= 14


def test_responses_and_events_are_read(pair):
    ours, theirs = pair
    decoder = Decoder()
    for _, text in EXAMPLES:
        wanted = bytes.fromhex(text)
        told = msgpack.unpackb(wanted)
        if told[0] == 0:
            continue
        theirs.sendall(wanted)
        [message] = messages(decoder, ours)
        if told[0] == 1:
            assert message == Response(*told[1:], [])
        else:
            assert message == Event(told[1], told[2][0])


def test_a_byte_at_a_time(pair):
    ours, theirs = pair
    decoder = Decoder()
    got = []
    for byte in msgpack.packb([1, 7, None, {"a": [b"\xff", "x" * 300]}]) * 2:
        theirs.send(bytes([byte]))
        got += messages(decoder, ours)
    assert got == [Response(7, None, {"a": [b"\xff", "x" * 300]}, [])] * 2


def test_descriptors_are_those_of_their_frames(pair):
    ours, theirs = pair
    plain = msgpack.packb([1, 1, None, {}])
    claims = [msgpack.packb([1, id, None, {"pidfd": True}]) for id in (2, 3)]
    pipes = [os.pipe() for _ in claims]
    theirs.sendall(plain)
    for frame, (read, _) in zip(claims, pipes, strict=True):
        socket.send_fds(theirs, [frame[:1]], [read])
        theirs.sendall(frame[1:])
    decoder = Decoder()
    got = list(messages(decoder, ours))
    assert [len(message.fds) for message in got] == [0, 1, 1]
    for message, (read, write) in zip(got[1:], pipes, strict=True):
        assert os.fstat(message.fds[0]).st_ino == os.fstat(read).st_ino
        assert not os.get_inheritable(message.fds[0])
        for fd in (message.fds[0], read, write):
            os.close(fd)


def test_a_request_takes_its_descriptors(pair):
    ours, theirs = pair
    read, write = os.pipe()
    request = Request("spawn", {"fds": [0]}, [read])
    request.number(1)
    assert request.send(ours)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read)
    data, fds, _, _ = socket.recv_fds(theirs, 65536, 4)
    assert msgpack.unpackb(data) == [0, 1, "spawn", [{"fds": [0]}]]
    assert len(fds) == 1
    for fd in (*fds, write):
        os.close(fd)


def test_a_large_request_goes_in_pieces_and_its_descriptor_once(pair):
    ours, theirs = pair
    read, write = os.pipe()
    request = Request("spawn", {"args": [b"x" * 2_000_000]}, [read])
    request.number(1)
    data, fds = b"", []
    while not request.send(ours):
        piece, riding, _, _ = socket.recv_fds(theirs, 65536, 4)
        data += piece
        fds += riding
    ours.shutdown(socket.SHUT_WR)
    while piece := theirs.recv(65536):
        data += piece
    assert msgpack.unpackb(data)[3] == [{"args": [b"x" * 2_000_000]}]
    assert len(fds) == 1
    for fd in (*fds, write):
        os.close(fd)


def test_what_cannot_be_packed_costs_its_descriptors_only():
    read, write = os.pipe()
    with pytest.raises(TypeError):
        Request("spawn", {"args": [object()]}, [read])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read)
    os.close(write)


WRONG = {
    "no MessagePack": (b"\xc1", "no MessagePack"),
    "a number": (b"\x07", "neither a response nor an event"),
    "a request": (msgpack.packb([0, 1, "ping", []]), "neither a response nor an event"),
    "a short response": (msgpack.packb([1, 1, None]), "neither a response nor an event"),
    "params that are no map": (msgpack.packb([2, "exited", [7]]), "neither a response"),
    "a claim of nothing": (msgpack.packb([1, 1, None, {"pidfd": True}]), "lacks its descriptor"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_frames(pair, name):
    ours, theirs = pair
    data, text = WRONG[name]
    theirs.sendall(data)
    decoder = Decoder()
    with pytest.raises(forkserverd.Disconnected, match=text):
        list(messages(decoder, ours))


def test_descriptors_that_nobody_claims(pair):
    ours, theirs = pair
    read, write = os.pipe()
    socket.send_fds(theirs, [msgpack.packb([1, 1, None, {}])], [read])
    decoder = Decoder()
    with pytest.raises(forkserverd.Disconnected, match="without a frame"):
        list(messages(decoder, ours))
    decoder.close()
    os.close(read)
    theirs.setblocking(False)
    os.close(write)


def test_the_end(pair):
    ours, theirs = pair
    theirs.close()
    with pytest.raises(forkserverd.Disconnected, match="has closed the connection"):
        Decoder().read(ours)
