"""Who opens anything in some folders.

The kernel asks before it lets him (fanotify(7)), so that he is looked at as he
was then.
"""

import ctypes
import os
import pathlib
import select
import struct
import threading

CONTENT, CLOEXEC = 0x4, 0x1  # FAN_CLASS_CONTENT, FAN_CLOEXEC
ADD = 0x1
EVENTS = 0x00010000 | 0x40000000 | 0x08000000  # FAN_OPEN_PERM, FAN_ONDIR, FAN_EVENT_ON_CHILD
AT_FDCWD = -100
EVENT = struct.Struct("IBBHQii")
ALLOW = 1


class Openers:
    """UIDS has the four of each process of UNIT's control group."""

    def __init__(self, root, folders, unit):
        self.unit = unit
        self.uids = set()
        self.wrong = None
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.fanotify_init(CONTENT | CLOEXEC, os.O_RDONLY)
        assert self.fd != -1, os.strerror(ctypes.get_errno())
        for folder in folders:
            path = os.fsencode(root / folder.lstrip("/"))
            mask = ctypes.c_uint64(EVENTS)
            done = libc.fanotify_mark(self.fd, ADD, mask, AT_FDCWD, path)
            assert done == 0, f"{folder}: {os.strerror(ctypes.get_errno())}"
        self.stop, self.end = os.pipe()
        self.thread = threading.Thread(target=self.answer)

    def look(self, pid):
        process = pathlib.Path(f"/proc/{pid}")
        if self.unit not in (process / "cgroup").read_text():
            return
        lines = (process / "status").read_text().splitlines()
        [uids] = [line for line in lines if line.startswith("Uid:")]
        self.uids |= set(map(int, uids.split()[1:]))

    def answer(self):
        while select.select([self.fd, self.stop], [], [])[0] == [self.fd]:
            events = os.read(self.fd, 4096)
            while events:
                length, _, _, _, _, fd, pid = EVENT.unpack_from(events)
                events = events[length:]
                try:
                    self.look(pid)
                except Exception as e:  # whoever waits must not wait for ever
                    self.wrong = e
                os.write(self.fd, struct.pack("iI", fd, ALLOW))
                os.close(fd)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        os.close(self.end)
        self.thread.join()
        os.close(self.stop)
        os.close(self.fd)
        assert self.wrong is None, self.wrong
