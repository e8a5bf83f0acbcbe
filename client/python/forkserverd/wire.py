"""Frames and the descriptors that ride on them, without any socket of its own.

The wire of PROTOCOL.md, section 1.  What requests mean is not known here.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgpack

from .errors import Disconnected

CHUNK = 65536
MAX_FDS = 253  # of one frame, the kernel's SCM_MAX_FD
ANCILLARY_SPACE = socket.CMSG_SPACE(MAX_FDS * 4)

_REQUEST, _RESPONSE, _NOTIFICATION = range(3)


class Response(NamedTuple):
    """`fds` are the receiver's to close."""

    id: int
    error: Mapping[str, Any] | None
    result: Any
    fds: list[int]


class Event(NamedTuple):
    """`params` are those of PROTOCOL.md: an exit record's map for "exited"."""

    name: str
    params: Mapping[str, Any]


def close_fds(fds: Iterable[int]) -> None:
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)


class Request:
    """A request, packed where it is made: what cannot be packed is told there.

    Takes FDS; it closes them when they are sent, or when it is dropped.
    """

    def __init__(self, method: str, params: Mapping[str, Any], fds: Iterable[int] = ()) -> None:
        self.method = method
        self._fds = list(fds)
        self._unsent = memoryview(b"")
        try:
            self._body = msgpack.packb(method) + b"\x91" + msgpack.packb(params)
        except BaseException:
            self.drop()
            raise

    def __len__(self) -> int:
        return len(self._body)

    def number(self, id: int) -> None:
        """Gives it the id that its response will have; then it can be sent."""
        self._unsent = memoryview(b"\x94\x00" + msgpack.packb(id) + self._body)

    def send(self, sock: socket.socket) -> bool:
        """Sends what SOCK takes without waiting.  True when all is sent."""
        while self._unsent:
            riding = []
            if self._fds:  # on the first byte, in one message
                fds = array.array("i", self._fds)
                riding = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
            try:
                sent = sock.sendmsg([self._unsent], riding, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return False
            self.drop()
            self._unsent = self._unsent[sent:]
        return True

    def drop(self) -> None:
        close_fds(self._fds)
        self._fds = []


class Decoder:
    """Bytes and descriptors as they came, to messages."""

    def __init__(self) -> None:
        # The daemon keeps the limits of frames, and tells which are in force.
        self._unpacker = msgpack.Unpacker(strict_map_key=False, max_buffer_size=0)
        self._fed = self._ended = 0  # bytes: all, and those of whole frames
        self._fds: deque[int] = deque()

    def read(self, sock: socket.socket) -> bool:
        """Takes one piece of what SOCK has.  False when it has nothing now."""
        try:
            data, riding, flags, _ = sock.recvmsg(CHUNK, ANCILLARY_SPACE, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return False
        for level, kind, content in riding:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds = array.array("i")
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
                self._fds.extend(fds)
        if flags & socket.MSG_CTRUNC:
            raise Disconnected("descriptors were lost: too many files are open")
        if not data:
            raise Disconnected("the daemon has closed the connection")
        self._unpacker.feed(data)
        self._fed += len(data)
        return True

    def __iter__(self) -> Iterator[Response | Event]:
        while True:
            try:
                message = self._unpacker.unpack()
            except msgpack.OutOfData:
                break
            except Exception as exc:
                raise Disconnected(f"the daemon's bytes are no MessagePack: {exc}") from exc
            self._ended = self._unpacker.tell()
            yield self._sorted(message)
        if self._fds and self._ended == self._fed:
            raise Disconnected("the daemon sent descriptors without a frame")

    def _sorted(self, message: Any) -> Response | Event:
        match message:
            case [1, int(id), error, result]:
                return Response(id, error, result, self._claimed(result))
            case [2, str(name), [dict(params)]]:
                return Event(name, params)
            case [2, str(name), []]:
                return Event(name, {})
        raise Disconnected("the daemon's frame is neither a response nor an event")

    def _claimed(self, result: Any) -> list[int]:
        """A response claims a descriptor by `pidfd: true` in its result."""
        if not isinstance(result, dict) or result.get("pidfd") is not True:
            return []
        if not self._fds:
            raise Disconnected("the daemon's response lacks its descriptor")
        return [self._fds.popleft()]

    def close(self) -> None:
        close_fds(self._fds)
        self._fds.clear()
