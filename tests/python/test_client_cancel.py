"""Cancelling the trio client at each point where it waits: no child is left."""

import functools
import os
import socket
import sys

import forkserverd
import msgpack
import pytest
import trio
from conftest import FIXTURES, running
from forkserverd import PIPE

sys.path.insert(0, str(FIXTURES))
import jobs


class CancelAt(trio.abc.Instrument):
    """Cancels SCOPE when the task that made this has stopped COUNT times."""

    def __init__(self, scope, count):
        self._scope = scope
        self._left = count
        self._task = trio.lowlevel.current_task()

    def after_task_step(self, task):
        if task is self._task:
            self._left -= 1
            if self._left == 0:
                self._scope.cancel()


async def walk(call, checked):
    """CALL once for each of its stops, cancelled there, CHECKED after each;
    until it ends before it is cancelled.  How many stops it has."""
    for count in range(1, 1000):
        with trio.CancelScope() as scope:
            instrument = CancelAt(scope, count)
            trio.lowlevel.add_instrument(instrument)
            try:
                await call()
            finally:
                trio.lowlevel.remove_instrument(instrument)
        await checked()
        if not scope.cancelled_caught:
            return count
    raise AssertionError("it has no end")


def open_files():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("job", ["echo", "hang", "stubborn"])
async def test_open_child(daemon, job):
    with open(os.devnull, "w") as null:
        async with forkserverd.open_client(
            daemon, stdin=PIPE, stdout=PIPE, stderr=null, grace=0.05
        ) as client:

            async def call():
                async with client.open_child(f"jobs:{job}") as child:
                    await child.stdout.receive_some()
                    if job != "echo":
                        await child.cancel()
                    await child.wait()
                    await trio.lowlevel.checkpoint()

            async def checked():
                with trio.CancelScope(shield=True):
                    assert (await client.call("list"))["children"] == []
                assert open_files() == files

            files = open_files()
            assert await walk(call, checked) >= 4


async def test_the_other_calls(daemon):
    async with forkserverd.open_client(daemon, stderr=forkserverd.DEVNULL) as client:

        async def checked():
            assert (await client.call("list"))["children"] == []
            assert open_files() == files

        async def in_nursery():
            async with trio.open_nursery() as nursery:
                child = await nursery.start(client.start_child, jobs.hang)
                await child.kill()

        async def events():
            async with client.events() as events:
                await client.run(jobs.echo)
                while (await anext(events)).name != "exited":
                    pass

        for call in (
            functools.partial(client.run, jobs.echo),
            functools.partial(client.map, jobs.echo, range(3), limit=2),
            in_nursery,
            events,
        ):
            files = open_files()
            assert await walk(call, checked) >= 2


async def test_open_client(daemon):
    async def call():
        async with forkserverd.open_client(daemon) as client:
            await client.run(jobs.echo)

    async def checked():
        assert open_files() == files

    async with forkserverd.open_client(daemon) as watch:
        files = open_files()
        assert await walk(call, checked) >= 3
        for child in (await watch.call("list"))["children"]:  # of a client that went
            with trio.fail_after(30):
                await watch.call("wait", id=child["id"])


async def test_a_spawn_that_takes_too_long(tmp_path, monkeypatch):
    """Its entry hangs while it is imported, so that it never has an answer."""
    monkeypatch.setattr("forkserverd.child.PATIENCE", 0.01)
    with running(tmp_path, ["--set", f"template.default.path={FIXTURES}"]) as path:
        async with forkserverd.open_client(path) as watch:
            async with forkserverd.open_client(path, grace=0.05) as client:
                with trio.move_on_after(0.01) as scope:
                    await client.run("hangs_at_import:main")
                assert scope.cancelled_caught
                assert (await watch.call("list"))["children"] == []
                with forkserverd.Executor(2, socket=path, grace=0.05) as executor:
                    future = executor.submit("hangs_at_import:main")
                    while not (await watch.call("list"))["children"]:
                        await trio.lowlevel.checkpoint()
                    assert future.cancel()
                assert (await watch.call("list"))["children"] == []


class FakeDaemon:
    """Answers as it is told to."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()

    async def serve(self, answer):
        """ANSWER(method, id, params) gives the messages of the reply."""
        listener = trio.socket.from_stdlib_socket(self._socket)
        connection, _ = await listener.accept()
        unpacker = msgpack.Unpacker()
        while data := await connection.recv(65536):
            unpacker.feed(data)
            for _, id, method, params in unpacker:
                for message in answer(method, id, params):
                    await connection.send(msgpack.packb(message))
        connection.close()
        listener.close()


CHILD = {"id": 5, "pid": 1}


async def test_a_spawn_answered_too_late_is_cancelled(tmp_path, monkeypatch):
    """The reply comes when its caller has gone: the child is cancelled."""
    monkeypatch.setattr("forkserverd.child.PATIENCE", 0.01)
    asked = []

    def answer(method, id, params):
        asked.append((method, params[0].get("id")))
        if method == "hello":
            return [[1, id, None, {"version": 1}]]
        if method == "spawn":  # not yet
            late.append(id)
            return []
        if method == "ping":
            return [[1, late[0], None, CHILD], [1, id, None, {}]]
        return [[1, id, None, {}]]

    late = []
    fake = FakeDaemon(tmp_path / "socket")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake.serve, answer)
        async with forkserverd.open_client(tmp_path / "socket") as client:
            with trio.move_on_after(0.01) as scope:
                await client.run("a:b")
            assert scope.cancelled_caught
            await client.call("ping")
            await client.call("status")
    assert asked == [
        ("hello", None),
        ("spawn", None),
        ("list", None),
        ("ping", None),
        ("cancel", 5),
        ("status", None),
    ]


@pytest.mark.parametrize(
    ("replies", "text"),
    [
        ([[1, 99, None, {}]], "answered request 99, which is none"),
        ([[1, 1, None, {"version": 2}]], "speaks version 2 of the protocol, not 1"),
        ([[1, 1, {"code": "denied", "message": "no"}, None]], r"hello: no \(denied\)"),
    ],
)
async def test_daemons_that_are_not_ours(tmp_path, replies, text):
    fake = FakeDaemon(tmp_path / "socket")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake.serve, lambda method, id, params: replies)
        with pytest.raises(forkserverd.Error, match=text):
            async with forkserverd.open_client(tmp_path / "socket"):
                pass


async def test_an_end_right_behind_the_spawn(tmp_path):
    """Both in one piece: no end is missed."""

    def answer(method, id, params):
        if method == "hello":
            return [[1, id, None, {"version": 1}]]
        end = [2, "exited", [{**CHILD, "exit_code": 0, "result": 7}]]
        packed = [1, id, None, CHILD], end
        return packed

    fake = FakeDaemon(tmp_path / "socket")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fake.serve, answer)
        async with forkserverd.open_client(tmp_path / "socket") as client:
            assert await client.run("a:b") == 7
