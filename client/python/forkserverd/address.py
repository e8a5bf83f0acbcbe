"""Where the daemon is, and the socket that is connected to it."""

from __future__ import annotations

import errno
import os
import socket

from .errors import Disconnected

SYSTEM = "/run/forkserverd.sock"


def candidates(path: str | os.PathLike[str] | None) -> list[str]:
    """The sockets to try, in order: PATH alone, else $FORKSERVER_SOCKET alone,
    else the user's and then the system's."""
    path = path or os.environ.get("FORKSERVER_SOCKET")
    if path:
        return [os.fspath(path)]
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    if folder.startswith("/"):
        return [f"{folder}/forkserverd.sock", SYSTEM]
    return [SYSTEM]


class Dial:
    """One attempt after the other; the waiting, if any, is the caller's."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._paths = candidates(path)
        self.path = self._paths[0]
        self.sock = socket.socket(socket.AF_UNIX)

    def connect(self, blocking: bool) -> bool:
        """True when connected, for good non-blocking.  False where BLOCKING is
        not and the daemon's backlog is full, which no poll tells the end of."""
        for path in self._paths:
            self.path = path
            self.sock.setblocking(blocking)
            try:
                self.sock.connect(path)
            except BlockingIOError:
                return False
            except OSError as exc:
                # Only where no daemon of the user's is there at all does the
                # system's take its place.
                if exc.errno in (errno.ENOENT, errno.ECONNREFUSED):
                    if path != self._paths[-1]:
                        continue
                    where = " nor on ".join(self._paths)
                    raise Disconnected(f"no daemon listens on {where}: {exc.strerror}") from exc
                raise Disconnected(f"connect to {path}: {exc.strerror or exc}") from exc
            self.sock.setblocking(False)
            return True
        raise AssertionError("there is always a path")

    def close(self) -> None:
        self.sock.close()
