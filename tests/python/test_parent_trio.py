"""From inside a real trio.run(): children are spawned, and reaped.

A limit stands over each test; when it strikes, all stacks are dumped and the
run ends.
"""

import faulthandler
import functools
import os

import msgpack
import pytest
import trio

LIMIT = 60  # seconds


@pytest.fixture(autouse=True)
def limit():
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


class Client:
    """MessagePack-RPC over trio's own streams, many calls at a time."""

    def __init__(self, stream, nursery):
        self._stream = stream
        self._waiting = {}
        self._send_lock = trio.Lock()
        self._last = 0
        self.events, self._deliver = self._channel()
        nursery.start_soon(self._read)

    @staticmethod
    def _channel():
        send, receive = trio.open_memory_channel(100)
        return receive, send

    async def _read(self):
        unpacker = msgpack.Unpacker()
        async for data in self._stream:
            unpacker.feed(data)
            for message in unpacker:
                if message[0] == 1:
                    self._waiting.pop(message[1]).send_nowait(message)
                else:
                    self._deliver.send_nowait(message)

    async def call(self, method, **params):
        self._last += 1
        id = self._last
        send, receive = trio.open_memory_channel(1)
        self._waiting[id] = send
        async with self._send_lock:
            frame = msgpack.packb([0, id, method, [params]])
            await self._stream.send_all(frame)
        _, _, error, result = await receive.receive()
        assert error is None, error
        return result


def in_trio(test):
    """Runs the coroutine function TEST(client) under a trio.run of its own."""

    @functools.wraps(test)
    def wrapper(daemon):
        async def main():
            async with await trio.open_unix_socket(str(daemon)) as stream:
                async with trio.open_nursery() as nursery:
                    await test(Client(stream, nursery))
                    nursery.cancel_scope.cancel()

        trio.run(main)

    del wrapper.__wrapped__  # pytest looks at the signature
    return wrapper


async def process_is_gone(pid):
    """Not even a zombie is left of it."""
    while os.path.exists(f"/proc/{pid}"):
        await trio.sleep(0.001)


@in_trio
async def test_a_child_is_spawned_and_reaped(client):
    child = await client.call("spawn", call="jobs:echo", args=[1])
    record = await client.call("wait", id=child["id"])
    assert record["exit_code"] == 0
    assert record["result"] == [[1], {}]
    await process_is_gone(child["pid"])


@in_trio
async def test_a_child_runs_trio_in_its_subinterpreter(client):
    code = """
import _interpreters, os, threading, trio
async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep, 0.01)
        assert await trio.to_thread.run_sync(threading.get_ident) != threading.get_ident()
        done = await trio.run_process(["true"])
        assert done.returncode == 0
    # The first that a process makes beside its own is 1, and that is taken.
    assert _interpreters.create() > 1
trio.run(main)
"""
    child = await client.call("spawn", code=code)
    assert child["interpreter"] != 0
    assert child["start"] == "warm"
    record = await client.call("wait", id=child["id"])
    assert "exception" not in record, record["exception"]["traceback"]
    assert record["exit_code"] == 0
    await process_is_gone(child["pid"])


@in_trio
async def test_many_at_a_time(client):
    async def one(number):
        child = await client.call("spawn", call="jobs:trio_echo", args=[number])
        record = await client.call("wait", id=child["id"])
        assert record["result"] == [number]

    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(one, number)


@in_trio
async def test_the_owner_hears_of_the_end(client):
    child = await client.call("spawn", call="jobs:hang")
    await client.call("cancel", id=child["id"])
    kind, name, [record] = await client.events.receive()
    assert (kind, name) == (2, "exited")
    assert record["id"] == child["id"]
    assert record["exit_code"] == 143


@in_trio
async def test_the_parents_own_children_are_its_own(client):
    child = await client.call("spawn", call="jobs:hang")
    done = await trio.run_process(["sh", "-c", "exit 3"], check=False)
    assert done.returncode == 3
    await client.call("kill", id=child["id"])
    record = await client.call("wait", id=child["id"])
    assert record["signal"] == 9
