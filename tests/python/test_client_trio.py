"""The trio client: each of its calls, right and wrong, with a real daemon."""

import os
import signal
import sys

import forkserverd
import pytest
import trio
from conftest import FIXTURES, running, start
from forkserverd import PIPE, STDOUT

sys.path.insert(0, str(FIXTURES))
import jobs


async def test_run(daemon):
    async with forkserverd.open_client(daemon) as client:
        assert await client.run(jobs.echo, 1, "two", x=[3]) == [[1, "two"], {"x": [3]}]
        assert await client.run("jobs:trio_echo", b"\xff", None) == [b"\xff", None]
        assert client.hello["version"] == 1
        assert (await client.call("ping"))["instance"] == client.hello["instance"]


async def test_a_child_tells_of_itself(daemon):
    async with forkserverd.open_client(daemon) as client:
        async with client.open_child("jobs:echo", 1, x=2) as child:
            assert child.id >= 1
            assert child.pid > 1
            assert child.started["start"] == "warm"
            assert os.readlink(f"/proc/self/fd/{child.pidfd}") == "anon_inode:[pidfd]"
            assert not os.get_inheritable(child.pidfd)
            assert await child.wait() == 0
            assert await child.result() == [[1], {"x": 2}]
            assert child.returncode == 0
            assert child.record.result == [[1], {"x": 2}]
            assert "exited with 0" in repr(child)
        assert child.pidfd is None


async def test_errors_of_the_child_are_raised_with_its_traceback(daemon):
    async with forkserverd.open_client(daemon, stderr=forkserverd.DEVNULL) as client:
        for name in ("raises", "trio_raises"):
            with pytest.raises(forkserverd.ChildRaised) as caught:
                await client.run(f"jobs:{name}", "no")
            [note] = caught.value.__notes__
            assert "in the child:\nTraceback" in note.replace("  + Exception Group ", "")
            assert f"in {name}" in note
            assert "ValueError: no" in note
        assert caught.value.type == "ExceptionGroup"
        assert caught.value.record.exit_code == 1
        with pytest.raises(forkserverd.ChildRaised, match=r"ValueError: no$"):
            async with client.open_child("jobs:raises", "no") as child:
                await child.wait()


async def test_ends_that_are_errors(daemon):
    async with forkserverd.open_client(daemon, stderr=forkserverd.DEVNULL) as client:
        with pytest.raises(forkserverd.ChildDied, match="exited with 3$") as caught:
            await client.run(jobs.exits, 3)
        assert caught.value.record.returncode == 3
        with pytest.raises(forkserverd.ChildDied, match="was ended by SIGTERM$") as caught:
            await client.run(jobs.dies, signal.SIGTERM)
        assert caught.value.record.returncode == -signal.SIGTERM
        with pytest.raises(forkserverd.NoResult, match="has no result: .*object"):
            await client.run(jobs.unpackable)
        limited = client.options(timeout=0.01, grace=0.01)
        with pytest.raises(forkserverd.ChildCancelled, match="when its time was over$"):
            await limited.run(jobs.deaf)
        assert await client.run(jobs.exits, 0) is None


async def test_spawns_that_fail(daemon):
    async with forkserverd.open_client(daemon) as client:
        for entry, code, text in (
            ("not_there:main", "import_failed", "No module named 'not_there'"),
            ("jobs:not_there", "import_failed", "not_there"),
        ):
            with pytest.raises(forkserverd.RequestError, match=text) as caught:
                await client.run(entry)
            assert caught.value.code == code
            [note] = caught.value.__notes__
            assert note.startswith("in the child:\n")
            assert "Error: " in note
        for options, code, key in (
            ({"template": "none"}, "unknown_template", "template"),
            ({"cwd": "/not/there"}, "setup_failed", None),
            ({"umask": 0o1000}, "invalid_params", "umask"),
            ({"fds": {600: 0}}, "invalid_params", "fds[2]"),
            ({"start": "hot"}, "invalid_params", "start"),
            ({"nice": 20}, "invalid_params", "nice"),
            ({"rlimits": {"nofile": (2, 1)}}, "invalid_params", "rlimits.nofile"),
        ):
            with pytest.raises(forkserverd.RequestError) as caught:
                await client.options(**options).run(jobs.echo)
            assert (caught.value.code, caught.value.key) == (code, key), caught.value
        with pytest.raises(OSError, match="Bad file descriptor"):
            await client.options(stdin=500).run(jobs.echo)
        with pytest.raises(ValueError, match="passed as a standard stream"):
            await client.options(fds={1: 2}).run(jobs.echo)
        with pytest.raises(ValueError, match="stdout: nobody can reach a pipe"):
            await client.options(stdout=PIPE).run(jobs.echo)
        with pytest.raises(ValueError, match="stderr alone"):
            await client.options(stdout=STDOUT).run(jobs.echo)
        with pytest.raises(TypeError, match=r"args\[0\]: object cannot be sent"):
            await client.run(jobs.echo, object())
        with pytest.raises(forkserverd.RequestError, match="unknown_method"):
            await client.call("no_such_method")
        assert await client.run(jobs.echo) == [[], {}]


async def test_leaving_the_block_cancels(daemon):
    async with forkserverd.open_client(daemon, stdout=PIPE) as client:
        async with client.open_child(jobs.clean_up) as child:
            assert await child.stdout.receive_some() == b"up\n"
        assert child.returncode == 143
        assert child.record.cancelled
        assert not child.record.killed
        with pytest.raises(trio.ClosedResourceError):
            await child.stdout.receive_some()
        async with client.options(grace=0.01).open_child(jobs.stubborn) as child:
            await child.stdout.receive_some()
        assert (child.returncode, child.record.killed) == (-signal.SIGKILL, True)


async def test_what_the_block_raises_goes_first(daemon):
    async with forkserverd.open_client(daemon, stderr=forkserverd.DEVNULL) as client:
        with pytest.raises(LookupError, match="mine") as caught:
            async with client.open_child(jobs.raises, "its") as child:
                await child.wait()
                raise LookupError("mine")
        [note] = caught.value.__notes__
        assert "jobs:raises): ValueError: its\nin the child:\nTraceback" in note


async def test_ending_it_by_hand_is_no_error(daemon):
    async with forkserverd.open_client(daemon, stdout=PIPE) as client:
        async with client.open_child(jobs.hang) as child:
            await child.cancel()
            assert await child.wait() == 143
            await child.cancel()
            await child.kill()
            await child.send_signal(signal.SIGINT)
        async with client.open_child(jobs.deaf) as child:
            await child.stdout.receive_some()
            await child.cancel(grace=60)
            await child.cancel(grace=0.01)
            assert await child.wait() == -signal.SIGKILL
        async with client.open_child(jobs.deaf) as child:
            await child.kill()
            assert await child.wait() == -signal.SIGKILL
        with pytest.raises(ValueError, match="grace: -1"):
            await child.cancel(grace=-1)


async def test_signals(daemon):
    async with forkserverd.open_client(daemon, stdout=PIPE, stderr=STDOUT) as client:
        with pytest.raises(forkserverd.ChildRaised) as caught:
            async with client.open_child(jobs.hang) as child:
                await child.stdout.receive_some()
                await child.send_signal(signal.SIGINT)
                await child.wait()
        assert caught.value.type == "KeyboardInterrupt"


async def test_streams(daemon):
    """As trio.Process has them."""
    async with forkserverd.open_client(daemon, stdin=PIPE, stdout=PIPE, stderr=PIPE) as client:
        code = "import sys; sys.stderr.write('e'); print(sys.stdin.read().upper())"
        async with client.open_child(forkserverd.Code(code)) as child:
            async with child.stdin:
                await child.stdin.send_all(b"typed")
            assert b"".join([part async for part in child.stdout]) == b"TYPED\n"
            assert b"".join([part async for part in child.stderr]) == b"e"
            assert await child.result() is None
        both = client.options(stderr=STDOUT)
        async with both.open_child(forkserverd.Code("import os; os.write(2, b'e')")) as child:
            assert child.stderr is None
            assert await child.stdout.receive_some() == b"e"
            await child.wait()


async def test_descriptors(daemon, tmp_path):
    with open(tmp_path / "file", "w+b") as file:
        async with forkserverd.open_client(daemon) as client:
            passing = client.options(fds={7: file}, stdout=file.fileno())
            inode = os.fstat(file.fileno()).st_ino
            assert await passing.run(jobs.inodes, 1, 7) == [inode, inode]
            code = "import os, sys; print(os.getcwd(), sys.argv, os.environ['A'])"
            there = passing.options(cwd=tmp_path, env={"A": "b"})
            await there.run(forkserverd.Code(code), "x")
        file.seek(0)
        assert file.read() == f"{tmp_path} ['-c', 'x'] b\n".encode()


async def test_start_child(daemon):
    async with forkserverd.open_client(daemon, stderr=forkserverd.DEVNULL) as client:
        async with trio.open_nursery() as nursery:
            first = await nursery.start(client.start_child, jobs.echo, 1)
            second = await nursery.start(client.start_child, jobs.hang)
            assert await first.result() == [[1], {}]
            await second.cancel()
        with pytest.raises(ExceptionGroup) as caught:
            async with trio.open_nursery() as nursery:
                sibling = await nursery.start(client.start_child, jobs.hang)
                await nursery.start(client.start_child, jobs.raises, "no")
                await trio.sleep_forever()
        [error] = caught.value.exceptions
        assert isinstance(error, forkserverd.ChildRaised)
        assert sibling.returncode == 143


async def test_map(daemon):
    async with forkserverd.open_client(daemon, stderr=forkserverd.DEVNULL) as client:
        assert await client.map(jobs.echo, range(9), limit=3) == [[[n], {}] for n in range(9)]
        assert await client.map(jobs.echo, []) == []
        with pytest.raises(forkserverd.ChildRaised, match="ValueError: 1"):
            await client.map(jobs.raises, iter([1]))
        with pytest.raises(ValueError, match="limit: 0"):
            await client.map(jobs.echo, [1], limit=0)
        with trio.move_on_after(0.1) as scope:
            await client.map(jobs.sleeps, [60] * 8, limit=4)
        assert scope.cancelled_caught
        assert (await client.call("list"))["children"] == []


async def test_events(daemon):
    async with (
        forkserverd.open_client(daemon) as client,
        client.open_child(jobs.hang) as child,
        client.events(child.id) as events,
    ):
        await child.cancel()
        heard = [event async for event in events]
        assert [event.name for event in heard][-1] == "exited"
        assert forkserverd.ExitRecord.from_map(heard[-1].params) == child.record
    async with forkserverd.open_client(daemon) as client, client.events() as events:
        await client.run(jobs.echo)
        names = []
        async for event in events:
            names.append(event.name)
            if event.name == "exited":
                break
        assert names == ["started", "exited"]
        with pytest.raises(forkserverd.RequestError, match="not_found"):
            async with client.events(1 << 40):
                pass


async def test_a_child_bound_to_no_block(daemon):
    async with forkserverd.open_client(daemon) as client:
        leased = await client.spawn(jobs.hang)
        detached = await client.options(detached=True).spawn(jobs.hang)
        with pytest.raises(ValueError, match="detached one is for spawn"):
            async with client.options(detached=True).open_child(jobs.hang):
                pass
    for child in (leased, detached):
        with pytest.raises(forkserverd.Disconnected, match="the client is closed"):
            await child.wait()
    with pytest.raises(forkserverd.Disconnected, match="the client is closed"):
        await client.run(jobs.echo)
    async with forkserverd.open_client(daemon) as client:
        assert (await client.call("wait", id=leased.id))["cancelled"]
        assert [c["id"] for c in (await client.call("list"))["children"]] == [detached.id]
        await client.call("kill", id=detached.id)
        assert (await client.call("wait", id=detached.id))["signal"] == signal.SIGKILL
        again = await client.options(detached=True).spawn(jobs.exits, 4)
        assert await again.wait() == 4


async def test_nested(daemon):
    """A child's children hang below it, and go with it."""
    async with forkserverd.open_client(daemon, stdout=PIPE) as client:
        async with client.open_child("jobs:nested_client", 2) as child:
            line = (await child.stdout.receive_some()).decode()
            below = {c["id"]: c for c in (await client.call("list"))["children"]}
            ids = [int(word) for word in line.split()]
            assert ids[0] == child.id
            assert [below[id].get("parent") for id in ids] == [None, *ids[:2]]
            await child.kill()
            await child.wait()
        for id in ids[1:]:
            assert (await client.call("wait", id=id))["cancelled"]


async def test_nowhere_to_connect(tmp_path, monkeypatch):
    with pytest.raises(forkserverd.Disconnected, match="no daemon listens on .*nothing"):
        async with forkserverd.open_client(tmp_path / "nothing"):
            pass
    with pytest.raises(forkserverd.Disconnected, match="AF_UNIX path too long"):
        async with forkserverd.open_client("/" + "x" * 200):
            pass
    monkeypatch.delenv("FORKSERVER_SOCKET", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(forkserverd.Disconnected) as caught:
        async with forkserverd.open_client():
            pass
    assert f"{tmp_path}/forkserverd.sock nor on /run/forkserverd.sock" in str(caught.value)
    with running(tmp_path, []) as socket:
        monkeypatch.setenv("FORKSERVER_SOCKET", str(socket))
        async with forkserverd.open_client() as client:
            assert await client.run(len, "four") == 4
        with pytest.raises(TypeError, match="colour"):
            async with forkserverd.open_client(colour="red"):
                pass


async def test_many_at_once(daemon):
    """200 children, each with a pipe and a pidfd."""
    async with forkserverd.open_client(daemon, stdout=PIPE) as client:
        pids = set()

        async def one():
            async with client.open_child(jobs.hang) as child:
                assert await child.stdout.receive_some() == b"up\n"
                pids.add(child.pid)
                while len(pids) < 200:
                    await everyone.wait()
                everyone.set()

        everyone = trio.Event()
        async with trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(one)
        assert len(pids) == 200
        assert (await client.call("list"))["children"] == []


async def test_a_megabyte_to_a_reader_who_sleeps(daemon):
    """Other children are served meanwhile; then all of it is there."""
    async with forkserverd.open_client(daemon, stdout=PIPE) as client:
        code = "import os\nleft = 1 << 20\nwhile left: left -= os.write(1, b'x' * left)"
        async with client.open_child(forkserverd.Code(code)) as child:
            for _ in range(5):
                assert await client.options(stdout=None).run(jobs.echo) == [[], {}]
            assert child.returncode is None
            assert sum([len(part) async for part in child.stdout]) == 1 << 20
            assert await child.wait() == 0


async def test_a_daemon_that_dies(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(f'[template.default]\npath = ["{FIXTURES}"]\npreload = ["trio", "jobs"]\n')
    daemon = start(tmp_path, ["--config", config])
    async with forkserverd.open_client(tmp_path / "socket") as client:
        errors = []

        async def hangs():
            with pytest.raises(forkserverd.Disconnected) as caught:
                async with client.open_child(jobs.hang) as child:
                    running.append(child)
                    await child.wait()
            errors.append(str(caught.value))

        running = []
        async with trio.open_nursery() as nursery, client.events() as events:
            for _ in range(3):
                nursery.start_soon(hangs)
            for _ in range(3):
                await anext(events)
            daemon.kill()
            with pytest.raises(forkserverd.Disconnected, match="closed the connection"):
                while True:
                    await anext(events)
        assert len(errors) == 3
        assert all("has closed the connection" in text for text in errors)
        with pytest.raises(forkserverd.Disconnected, match="spawn: the daemon has closed"):
            await client.run(jobs.echo)
        for child in running:  # they end though nobody can tell
            assert child.returncode is None
            while os.path.exists(f"/proc/{child.pid}"):
                await trio.sleep(0.001)
    daemon.wait()
