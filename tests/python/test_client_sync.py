"""The synchronous client and the executor, with a real daemon."""

import asyncio
import concurrent.futures
import os
import signal
import subprocess
import sys
import threading
import warnings

import forkserverd
import pytest
from conftest import ENVIRONMENT, FIXTURES, start
from forkserverd import DEVNULL, PIPE
from like import PYTHON

sys.path.insert(0, str(FIXTURES))
import jobs

pytestmark = pytest.mark.usefixtures("deadline")


def children(path):
    with forkserverd.connect(path) as client:
        return client.call("list")["children"]


def test_run(daemon):
    with forkserverd.connect(daemon, stderr=DEVNULL) as client:
        assert client.run(jobs.echo, 1, x=2) == [[1], {"x": 2}]
        assert client.hello["version"] == 1
        with pytest.raises(forkserverd.ChildRaised, match="ValueError: no") as caught:
            client.run("jobs:trio_raises", "no")
        [note] = caught.value.__notes__
        assert "in trio_raises" in note
        with pytest.raises(forkserverd.RequestError, match="import_failed"):
            client.run("jobs:not_there")
        with pytest.raises(TypeError, match="set cannot be sent"):
            client.run(jobs.echo, set())
    with pytest.raises(forkserverd.Disconnected, match="closed"):
        client.run(jobs.echo)
    client.close()


def test_children(daemon):
    with forkserverd.connect(daemon, stdin=PIPE, stdout=PIPE) as client:
        with client.open_child(jobs.hang) as child:
            assert child.stdout.readline() == b"up\n"
            with pytest.raises(TimeoutError):
                child.wait(timeout=0)
            assert child.returncode is None
        assert (child.returncode, child.record.cancelled) == (143, True)
        with client.open_child(forkserverd.Code("print(input())")) as child:
            child.stdin.write(b"typed\n")
            child.stdin.close()
            assert child.stdout.read() == b"typed\n"
            assert child.wait() == 0
        with client.open_child(jobs.deaf) as child:
            child.stdout.readline()
            child.send_signal(signal.SIGUSR1)
            child.kill()
            assert child.wait() == -signal.SIGKILL
            child.cancel()
        with client.open_child(jobs.deaf) as child:
            child.stdin.write(b"never read")
            child.stdout.readline()
            child.cancel(grace=0.01)
            assert child.wait() == -signal.SIGKILL
        with pytest.raises(ZeroDivisionError) as caught:
            with client.options(stderr=DEVNULL).open_child(jobs.raises, "no") as child:
                child.wait()
                raise ZeroDivisionError
        assert "ValueError: no" in caught.value.__notes__[0]
        leased = client.spawn(jobs.hang)
    with pytest.raises(forkserverd.Disconnected, match="closed"):
        leased.wait()
    with forkserverd.connect(daemon) as client:
        assert client.call("wait", id=leased.id)["cancelled"]


def test_threads_share_a_client(daemon):
    with forkserverd.connect(daemon) as client:
        got = []
        threads = [
            threading.Thread(target=lambda n=n: got.append(client.run(jobs.echo, n)))
            for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == [[[n], {}] for n in range(20)]


def test_a_forked_process_has_no_part_in_it(daemon):
    with forkserverd.connect(daemon) as client:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            pid = os.fork()  # while a thread of the client's runs
        if pid == 0:
            try:
                client.run(jobs.echo)
            except forkserverd.Disconnected as exc:
                client.close()
                os._exit("belongs to the process that opened it" in str(exc))
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
        assert client.run(jobs.echo) == [[], {}]


def test_ctrl_c_in_a_spawn_leaves_no_child(daemon, monkeypatch):
    """SIGINT comes as soon as the spawn is on its way."""
    main = threading.get_ident()
    with forkserverd.connect(daemon, stdout=DEVNULL) as client:
        plain = client._loop.session.request

        def request(asked, done):
            plain(asked, done)
            if asked.method == "spawn":
                signal.pthread_kill(main, signal.SIGINT)

        monkeypatch.setattr(client._loop.session, "request", request)
        for _ in range(5):
            with pytest.raises(KeyboardInterrupt):
                client.spawn(jobs.hang)
            assert children(daemon) == []


def test_executor(daemon):
    with forkserverd.Executor(4, socket=daemon, stderr=DEVNULL) as executor:
        assert list(executor.map(jobs.echo, range(20))) == [[[n], {}] for n in range(20)]
        failing = executor.submit(jobs.raises, "no")
        with pytest.raises(forkserverd.ChildRaised, match="ValueError: no"):
            failing.result()
        with pytest.raises(forkserverd.RequestError, match="import_failed"):
            executor.submit("jobs:not_there").result()
        with pytest.raises(ValueError, match="lambda"):
            executor.submit(lambda: None)
        last = executor.submit(jobs.echo, "last")
    assert last.result(timeout=0) == [["last"], {}]
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(jobs.echo)
    executor.shutdown()


def test_no_more_workers_than_said(daemon):
    with forkserverd.Executor(2, socket=daemon) as executor:
        futures = [executor.submit(jobs.sleeps, 0.02) for _ in range(8)]
        with forkserverd.connect(daemon) as client:
            most = 0
            while not all(future.done() for future in futures):
                most = max(most, len(client.call("list")["children"]))
        assert 1 <= most <= 2
    with pytest.raises(ValueError, match="stdout: nobody can reach a pipe"):
        forkserverd.Executor(socket=daemon, stdout=PIPE)
    with pytest.raises(ValueError, match="cannot be detached"):
        forkserverd.Executor(socket=daemon, detached=True)
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="make no progress"):
            forkserverd.Executor(wrong, socket=daemon)


def test_cancelling_futures(daemon):
    with forkserverd.Executor(1, socket=daemon, stdout=DEVNULL) as executor:
        running = executor.submit(jobs.hang)
        queued = executor.submit(jobs.echo)
        while not children(daemon):
            pass
        assert running.running()
        assert not queued.running()
        assert queued.cancel()
        assert running.cancel()
        done, _ = concurrent.futures.wait([running, queued])
        assert done == {running, queued}
        assert executor.submit(jobs.echo).result() == [[], {}]
        held = [executor.submit(jobs.hang) for _ in range(3)]
        while not held[0].running():
            pass
        executor.shutdown(wait=False, cancel_futures=True)
        cancelled = [future.cancelled() for future in held]
        assert held[0].cancel()
    assert cancelled == [False, True, True]
    assert children(daemon) == []


def test_the_executor_under_asyncio(daemon):
    async def main():
        loop = asyncio.get_running_loop()
        with forkserverd.Executor(4, socket=daemon, stdout=DEVNULL) as executor:
            calls = [loop.run_in_executor(executor, jobs.trio_echo, n) for n in range(10)]
            assert await asyncio.gather(*calls) == [[n] for n in range(10)]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await loop.run_in_executor(executor, jobs.hang)
            with pytest.raises(forkserverd.ChildDied, match="exited with 3"):
                await loop.run_in_executor(executor, jobs.exits, 3)
        assert children(daemon) == []

    asyncio.run(main())


def test_a_daemon_that_dies(tmp_path):
    daemon = start(tmp_path, ["--set", f"template.default.path={FIXTURES}"])
    with forkserverd.Executor(2, socket=tmp_path / "socket", stdout=DEVNULL) as executor:
        client = forkserverd.connect(tmp_path / "socket", stdout=PIPE)
        futures = [executor.submit(jobs.hang) for _ in range(2000)]
        with pytest.raises(forkserverd.Disconnected, match="has closed the connection"):
            with client.open_child(jobs.hang) as child:
                child.stdout.readline()
                daemon.kill()
                child.wait()
        for future in futures:
            assert isinstance(future.exception(), forkserverd.Disconnected)
        with pytest.raises(forkserverd.Disconnected, match="has closed the connection"):
            client.spawn(jobs.echo)
        client.close()
    with pytest.raises(forkserverd.Disconnected, match="no daemon listens"):
        forkserverd.connect(tmp_path / "socket")
    with pytest.raises(forkserverd.Disconnected, match="no daemon listens"):
        forkserverd.Executor(socket=tmp_path / "socket")
    daemon.wait()


def test_no_event_loop_comes_with_it(daemon):
    code = f"""
import sys, forkserverd
with forkserverd.connect({str(daemon)!r}) as client:
    assert client.run("jobs:echo", 1) == [[1], {{}}]
with forkserverd.Executor(socket={str(daemon)!r}) as executor:
    assert executor.submit("jobs:echo").result() == [[], {{}}]
for name in ("trio", "tractor", "asyncio"):
    assert name not in sys.modules, name
forkserverd.open_client
assert "trio" in sys.modules
assert set(forkserverd.__all__) <= set(dir(forkserverd))
for name in forkserverd.__all__:
    assert getattr(forkserverd, name) is not None
try:
    forkserverd.nothing
except AttributeError as exc:
    print(exc)
"""
    environment = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([PYTHON, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.stderr, done.stdout) == ("", "module 'forkserverd' has no attribute 'nothing'\n")
