"""Whose a child is: tokens, attaching, detaching, by the Python client."""

import functools
import os
import sys

import forkserverd
import pytest
import trio
from conftest import FIXTURES
from forkserverd import DEVNULL, PIPE
from test_client_cancel import open_files, walk

sys.path.insert(0, str(FIXTURES))
import jobs

UP = b"up\n"


async def test_attach_takes_the_lease(daemon):
    async with forkserverd.open_client(daemon, stdout=PIPE) as first:
        child = await first.spawn(jobs.clean_up)
        assert await child.stdout.receive_some() == UP
        assert child.leased
        async with forkserverd.open_client(daemon) as second:
            taken = await second.attach(child.id)
            assert (taken.id, taken.pid, taken.leased) == (child.id, child.pid, True)
            assert taken.started["state"] == "running"
            assert taken.stdout is None
            await first.call("ping")  # `moved` came before
            assert not child.leased
        with pytest.raises(forkserverd.Disconnected, match="the client is closed"):
            await taken.wait()
        # Told to who had lost the lease, too.
        assert await child.wait() == 143
        assert child.record.cancelled


async def test_leaving_the_block_of_one_that_was_taken(daemon):
    async with forkserverd.open_client(daemon) as second:
        async with forkserverd.open_client(daemon) as first:
            async with first.open_child(jobs.hang) as child:
                taken = await second.attach(child.id, pidfd=False)
                assert taken.pidfd is None
                await first.call("ping")
            assert child.returncode is None
        assert (await second.call("inspect", id=child.id))["state"] == "running"
        await taken.cancel()
        assert await taken.wait() == 143


async def test_detach(daemon):
    async with forkserverd.open_client(daemon) as first:
        async with first.open_child(jobs.hang) as child:
            await child.detach()
            assert not child.leased
            await child.detach()
        assert child.returncode is None
        again = await first.attach(child.id)
        await again.detach()
    async with forkserverd.open_client(daemon) as second:
        assert (await second.call("inspect", id=child.id))["detached"]
        taken = await second.attach(child.id)
        await taken.cancel()
        await taken.wait()
        await taken.detach()
        with pytest.raises(forkserverd.RequestError, match="attach: ") as caught:
            await second.attach(child.id)
        assert caught.value.code == "not_running"
        with pytest.raises(forkserverd.RequestError) as caught:
            await second.attach(1 << 40)
        assert caught.value.code == "not_found"


async def test_one_child_held_twice(daemon):
    """Both objects are told of its end, and each has a pidfd."""
    async with forkserverd.open_client(daemon) as client:
        child = await client.spawn(jobs.hang)
        again = await client.attach(child.id)
        assert child.leased
        assert again.leased
        assert child.pidfd != again.pidfd
        await again.cancel()
        assert await child.wait() == await again.wait() == 143


async def test_a_token_names_one_child(daemon):
    async with forkserverd.open_client(daemon, token="one", stdout=DEVNULL) as client:
        child = await client.spawn(jobs.hang)
        again = await client.spawn(jobs.hang)
        assert (again.id, again.pid) == (child.id, child.pid)
        with pytest.raises(forkserverd.RequestError) as caught:
            await client.spawn(jobs.echo)
        assert caught.value.code == "conflict"
        async with forkserverd.open_client(daemon, token=b"one", stdout=DEVNULL) as other:
            third = await other.spawn(jobs.hang)
            assert third.id == child.id
            await client.call("ping")
            assert (child.leased, again.leased, third.leased) == (False, False, True)
            await third.cancel()
            for holder in (child, again, third):
                assert await holder.wait() == 143
        ended = await client.spawn(jobs.hang)
        assert ended.started["state"] == "ended"
        assert await ended.wait() == 143
        for wrong in ("", "x" * 256):
            with pytest.raises(forkserverd.RequestError) as caught:
                await client.options(token=wrong).run(jobs.echo)
            assert caught.value.code in ("invalid_params", "limit")
            assert caught.value.key == "token"


async def test_a_retry_after_the_connection_was_lost(daemon):
    """The child of before is found; it runs once."""
    options = {"token": "retried", "detached": True, "stdout": DEVNULL, "cwd": "/"}
    async with forkserverd.open_client(daemon, **options) as client:
        child = await client.spawn(jobs.hang)
    async with forkserverd.open_client(daemon, **options) as client:
        again = await client.spawn(jobs.hang)
        assert again.id == child.id
        assert not again.leased
        await again.kill()
        await again.wait()


@pytest.mark.parametrize("detached", [False, True])
async def test_cancelling_a_spawn_with_a_token(daemon, detached):
    """At each of its stops: no child is left, and the token can be used."""
    numbers = iter(range(1000))
    async with forkserverd.open_client(daemon, stdout=DEVNULL, grace=0.05) as client:
        with_token = client.options(detached=detached)

        async def call():
            token = f"{detached}{next(numbers)}"
            child = None
            try:
                child = await with_token.options(token=token).spawn(jobs.hang)
            finally:
                if child is not None:
                    await child.undo()

        async def checked():
            with trio.CancelScope(shield=True):
                assert (await client.call("list"))["children"] == []
            assert open_files() == files

        files = open_files()
        assert await walk(call, checked) >= 2


async def test_cancelling_attach_and_detach(daemon):
    """The child is its client's or nobody's; it ends with the client at last."""
    async with forkserverd.open_client(daemon) as watch:
        async with forkserverd.open_client(daemon) as client:
            child = await watch.spawn(jobs.hang)

            async def call(method):
                await method()

            async def checked():
                with trio.CancelScope(shield=True):
                    await client.call("ping")
                    state = await client.call("inspect", id=child.id)
                assert state["state"] == "running"

            async def attach():
                taken = await client.attach(child.id)
                taken._life.close()

            files = open_files()
            assert await walk(functools.partial(call, attach), checked) >= 2
            assert open_files() == files
            taken = await client.attach(child.id)
            taken._life.close()
            assert await walk(functools.partial(call, taken.detach), checked) >= 2
            await client.attach(child.id, pidfd=False)
        assert await child.wait() == 143


async def test_captured_output(daemon):
    capture = forkserverd.Capture(bytes=4, keep="oldest")
    async with forkserverd.open_client(daemon, capture=True) as client:
        async with client.open_child(jobs.clean_up) as child:
            while (await child.output())["stdout"].data != UP:
                await trio.sleep(0.01)
            out = (await child.output())["stdout"]
            assert (out.offset, out.written, out.complete) == (0, 3, False)
        assert (await child.output())["stdout"].complete
        for options, wanted in (
            ({}, {"stdout": b"ab\xff\n", "stderr": b"12\n"}),
            ({"capture": capture}, {"stdout": b"ab\xff\n", "stderr": b"12\n"}),
            ({"capture": forkserverd.Capture(merge=True)}, {"stdout": b"ab\xff\n12\n"}),
            ({"capture": forkserverd.Capture(stdout=False)}, {"stderr": b"12\n"}),
            ({"capture": forkserverd.Capture(bytes=2)}, {"stdout": b"\xff\n", "stderr": b"2\n"}),
            ({"capture": False}, {}),
        ):
            child = await client.options(stdout=None, stderr=None, **options).spawn(
                forkserverd.Code("import os; os.write(1, b'ab\\xff\\n'); os.write(2, b'12\\n')")
            )
            assert await child.wait() == 0
            told = await child.output()
            assert {name: stream.data for name, stream in told.items()} == wanted
        with pytest.raises(forkserverd.RequestError, match="capture") as caught:
            await client.options(stdout=PIPE).spawn(jobs.hang)
    assert caught.value.code == "invalid_params"


async def test_files_of_its_own(daemon, tmp_path):
    files = [
        {"fd": 1, "path": os.fsencode(tmp_path / "log"), "access": "append"},
        {"fd": 2, "copy": 1},
    ]
    async with forkserverd.open_client(daemon, files=files) as client:
        await client.run(forkserverd.Code("import os; os.write(2, b'x'); os.write(1, b'y')"))
    assert (tmp_path / "log").read_bytes() == b"xy"


async def test_ready(daemon):
    async with forkserverd.open_client(daemon, ready="told") as client:
        async with client.open_child(jobs.readies, {"port": 8080}) as child:
            assert child.started["value"] == {"port": 8080}
        with pytest.raises(forkserverd.RequestError) as caught:
            await client.run(jobs.echo)
        assert caught.value.code == "child_died"
        with trio.move_on_after(0.1) as scope:
            await client.run(jobs.hang)
        assert scope.cancelled_caught
        assert (await client.call("list"))["children"] == []
    with pytest.raises(RuntimeError, match=r"is no child of forkserverd$"):
        forkserverd.ready()


def test_without_trio(daemon, deadline):
    with forkserverd.connect(daemon, stdout=DEVNULL, capture=False) as client:
        child = client.options(token="sync").spawn(jobs.hang)
        child.detach()
        assert not child.leased
        with client.options(stdout=None, capture=True).open_child(jobs.clean_up) as heard:
            while heard.output()["stdout"].data != UP:
                pass
        taken = client.attach(child.id)
        assert taken.leased
        assert child.id == client.options(token="sync").spawn(jobs.hang).id
        taken.cancel()
        assert child.wait(30) == taken.wait(30) == 143
        with client.options(ready="told").open_child(jobs.readies, 7) as told:
            assert told.started["value"] == 7
