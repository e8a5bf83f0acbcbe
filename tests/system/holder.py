"""Takes all there is of one resource of the daemon, in the machine, as who runs
it: to be started with the resource's name, the limit and, if need be, the
template.

Prints what refused it, a line of JSON; at a line of input it gives back what it
has, and tries again when it is told to, until it is served: "served".
"""

import json
import signal
import socket
import sys
import time

import msgpack

SOCKET = "/run/forkserverd.sock"
LIMIT = 60  # seconds, for all of it
HANG = {"code": "import signal; signal.pause()"}
PASS = {"code": "pass"}


class Peer:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(SOCKET)
        self.unpacker = msgpack.Unpacker(strict_map_key=False)
        self.number = 0
        self.came = {}

    def packed(self, method, params):
        self.number += 1
        return msgpack.packb([0, self.number, method, [params]])

    def send(self, method, **params):
        self.socket.sendall(self.packed(method, params))
        return self.number

    def response(self, number):
        """(error, result); what else comes is kept, or is an event."""
        while number not in self.came:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the daemon has closed the connection")
            self.unpacker.feed(data)
            for kind, *rest in self.unpacker:
                if kind == 1:
                    self.came[rest[0]] = rest[1:]
        return self.came.pop(number)

    def ask(self, method, **params):
        return self.response(self.send(method, **params))

    def must(self, method, **params):
        error, result = self.ask(method, **params)
        assert error is None, error
        return result

    def close(self):
        self.socket.close()


def clients(limit):
    """Connections; one too many is told at its first request, and closed."""
    peers = [Peer() for _ in range(limit)]
    for peer in peers:
        peer.must("ping")

    def release():
        for peer in peers:
            peer.close()

    return Peer().ask("ping")[0], release


def children(limit):
    peer = Peer()
    held = [peer.must("spawn", **HANG)["id"] for _ in range(limit)]

    def release():
        peer.must("kill", id=held[0])
        peer.must("wait", id=held[0])

    return peer.ask("spawn", **PASS)[0], release


def starting(limit):
    """Spawns of a template that is never ready."""
    peer = Peer()
    for _ in range(limit):
        peer.send("spawn", template="never", code="pass")
    return peer.ask("spawn", **PASS)[0], peer.close


def requests(limit):
    peer = Peer()
    child = peer.must("spawn", **HANG)["id"]
    for _ in range(limit):
        peer.send("wait", id=child)
    return peer.ask("ping")[0], peer.close


def bytes_of_output(limit):
    """Of live children's output that may be kept."""
    peer = Peer()
    half = {"stderr": False, "bytes": limit // 2}
    peer.must("spawn", capture=half, **HANG)
    return peer.ask("spawn", capture=half, **HANG)[0], peer.close


def spawns(limit):
    """More than there may be in a second, in one piece."""
    peer = Peer()
    piece = b"".join(peer.packed("spawn", PASS) for _ in range(limit + 1))
    peer.socket.sendall(piece)
    errors = [peer.response(n)[0] for n in range(1, limit + 2)]
    assert not any(errors[:limit]), errors
    return errors[limit], lambda: None


def processes(limit):
    """Children until the kernel forks no more; they are far fewer than LIMIT."""
    peer = Peer()
    held = []
    for _ in range(limit):
        error, result = peer.ask("spawn", **HANG)
        if error is not None:
            break
        held.append(result["id"])

    def release():
        peer.must("kill", id=held[0])
        peer.must("wait", id=held[0])

    return error, release


def buffered(limit):
    """A request without an end, of which the daemon keeps what has come. That is
    not answered: the connection ends."""
    peer = Peer()
    peer.socket.settimeout(LIMIT)
    text = 8 << 20
    head = b"\x94\x00\x01\xa5spawn\x91\x81\xa4code\xdb" + text.to_bytes(4)
    sent = 0
    try:
        peer.socket.sendall(head)
        while sent < text:
            sent += peer.socket.send(bytes(4096))
    except (BrokenPipeError, ConnectionResetError):
        return {"sent": sent}, peer.close
    raise AssertionError(f"{sent} bytes are kept of {limit}")


HOLDS = {
    "clients": clients,
    "children": children,
    "starting": starting,
    "requests": requests,
    "bytes": bytes_of_output,
    "spawns": spawns,
    "processes": processes,
    "buffered": buffered,
}


def serve():
    """As soon as it may be: an error tells when to try again."""
    while True:
        peer = Peer()
        error, child = peer.ask("spawn", **PASS)
        if error is None:
            peer.must("wait", id=child["id"])
            return
        peer.close()
        assert error["code"] in ("busy", "limit"), error
        time.sleep(error["retry_ns"] / 1e9)


def main(what, limit, template="default"):
    signal.alarm(LIMIT)
    for spawn in (HANG, PASS):
        spawn["template"] = template
    error, release = HOLDS[what](int(limit))
    print(json.dumps(error), flush=True)
    sys.stdin.readline()
    release()
    serve()
    print("served", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
