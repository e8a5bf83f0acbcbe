"""As much of a client as the demonstration needs: PROTOCOL.md, section 2."""

import itertools
import os
import socket

import msgpack


class RpcError(Exception):
    """An error reply; `fields` is its map."""

    def __init__(self, fields):
        super().__init__(f"{fields.get('code')}: {fields.get('message')}")
        self.fields = fields


class Client:
    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._unpacker = msgpack.Unpacker()
        self._ids = itertools.count(1)

    def call(self, method, params=None, fds=()):
        """Sends a request, its FDS with it, and waits for the response."""
        id = next(self._ids)
        frame = msgpack.packb([0, id, method, [params or {}]])
        sent = socket.send_fds(self._socket, [frame], fds)
        self._socket.sendall(frame[sent:])
        while True:
            for message in self._unpacker:
                if message[:2] == [1, id]:
                    if message[2] is not None:
                        raise RpcError(message[2])
                    return message[3]
            data = self._socket.recv(65536)
            if not data:
                raise EOFError(f"the daemon closed the connection in {method}")
            self._unpacker.feed(data)

    def run(self, params, fds=()):
        """Spawns a child and waits for its end: (reply, exit record)."""
        child = self.call("spawn", params, fds)
        return child, self.call("wait", {"id": child["id"]})

    def close(self):
        self._socket.close()


def environment():
    """The caller's environment, byte-exact."""
    return {k: v for k, v in os.environb.items()}
