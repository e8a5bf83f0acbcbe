"""The logic of tractor's backend, with a stand-in of tractor.

tests/tractor has the same with the real one, where there is one.
"""

import contextlib
import functools
import pathlib
import signal
import sys

import forkserverd
import forkserverd.tractor
import pytest
import trio
from conftest import FIXTURES, HERE, running, start

STANDIN = FIXTURES / "standin"
OURS = HERE.parents[1] / "client/python"

CONFIG = f"""\
[server]
grace = 0.5

[template.tractor]
path = ["{STANDIN}", "{OURS}"]
preload = ["tractor", "forkserverd.actor"]
prime = ["forkserverd.actor:prime"]

[template.other]
path = ["{{copy}}", "{OURS}"]
preload = ["tractor", "forkserverd.actor"]
"""


@pytest.fixture(scope="module", autouse=True)
def tractor():
    sys.path.insert(0, str(STANDIN))
    import tractor

    yield tractor
    sys.path.remove(str(STANDIN))
    for name in [n for n in sys.modules if n.partition(".")[0] == "tractor"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tractor")
    (folder / "copy").mkdir()
    (folder / "copy/tractor.py").write_text((STANDIN / "tractor.py").read_text())
    config = folder / "config.toml"
    config.write_text(CONFIG.format(copy=folder / "copy"))
    with running(folder, ["--config", config]) as socket:
        yield socket


class Parent:
    """What an actor nursery does around the backend."""

    def __init__(self, tractor, server, tasks, address):
        self.tractor = tractor
        self.nursery = tractor.Nursery(server)
        self._tasks = tasks
        self._address = address

    async def start(self, name, **proc_kwargs):
        actor = self.tractor.Actor(name)
        method = self.tractor.spawn._spawn._methods["trio"]

        async def task(task_status):
            await method(
                name,
                self.nursery,
                actor,
                {},
                [],
                self._address,
                {"x": 1},
                task_status=task_status,
                proc_kwargs=proc_kwargs,
            )

        return await self._tasks.start(task)

    def process(self, portal):
        return next(p for _, p, own in self.nursery._children.values() if own is portal)


@contextlib.asynccontextmanager
async def parent(tractor, uds=None):
    async with trio.open_nursery() as servers:
        if uds is None:
            [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
            address = listener.socket.getsockname()
        else:
            sock = trio.socket.socket(trio.socket.AF_UNIX)
            await sock.bind(str(uds))
            sock.listen()
            listener = trio.SocketListener(sock)
            address = (uds.parent, uds.name)
        server = tractor.Server()
        serve = functools.partial(trio.serve_listeners, handler_nursery=servers)
        servers.start_soon(serve, server.serve, [listener])
        async with trio.open_nursery() as tasks:
            mother = Parent(tractor, server, tasks, address)
            try:
                yield mother
            finally:
                mother.nursery._join_procs.set()
        servers.cancel_scope.cancel()


async def nothing_is_left(daemon):
    async with forkserverd.open_client(daemon) as client:
        assert (await client.call("list"))["children"] == []


@pytest.mark.parametrize("transport", ["tcp", "uds"])
async def test_an_actor_lives(daemon, tractor, tmp_path, transport):
    uds = tmp_path / "parent" if transport == "uds" else None
    with forkserverd.tractor.backend(socket=daemon):
        async with parent(tractor, uds) as mother:
            portal = await mother.start("doggy", cwd="/tmp")
            told = await portal.ask("who")
            process = mother.process(portal)
            assert (told["pid"], told["cwd"]) == (process.pid, "/tmp")
            assert told["method"] == "Backend.spawn"  # its own actors come from there, too
            assert told["spec"]["_runtime_vars"] == {"x": 1}
            title = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert title.startswith(b"_subactor[doggy@")
            assert process.poll() is None
            await portal.cancel_actor()
            assert await process.wait() == 0
        assert process.returncode == 0
        assert mother.nursery._children == {}
    await nothing_is_left(daemon)


async def test_many_actors(daemon, tractor):
    """However the child's connection and the daemon's answer race."""
    with forkserverd.tractor.backend(socket=daemon):
        async with parent(tractor) as mother:
            async with trio.open_nursery() as nursery:

                async def one(number):
                    portal = await mother.start(f"n{number}")
                    assert (await portal.ask(number))["asked"] == number
                    await portal.cancel_actor()

                for number in range(30):
                    nursery.start_soon(one, number)
    await nothing_is_left(daemon)


@pytest.mark.parametrize(
    ("name", "text", "note"),
    [
        ("raises", "ValueError: no actor today", "in _actor_child_main"),
        ("exits", "exited with 3", ""),
    ],
)
async def test_failures_at_boot(daemon, tractor, name, text, note):
    with forkserverd.tractor.backend(socket=daemon):
        with pytest.raises(BaseExceptionGroup) as caught:
            async with parent(tractor) as mother:
                with trio.fail_after(30):
                    await mother.start(name)
    failure = innermost(caught.value)
    assert isinstance(failure, tractor.ActorFailure)
    assert f"actor {name} ended before it connected" in str(failure)
    assert text in str(failure)
    assert note in "".join(getattr(failure, "__notes__", []))
    await nothing_is_left(daemon)


async def test_a_failure_after_it_has_connected(daemon, tractor):
    """Whoever waits for an answer of the actor's is told."""
    with forkserverd.tractor.backend(socket=daemon):
        with pytest.raises(BaseExceptionGroup) as caught:
            async with parent(tractor) as mother:
                await mother.start("breaks")
                await trio.sleep_forever()
    failure = innermost(caught.value)
    assert isinstance(failure, tractor.ActorFailure)
    assert str(failure) == "actor breaks failed at boot: ValueError: no module today"
    assert "in _live" in failure.__notes__[0]
    assert mother.nursery._children == {}
    await nothing_is_left(daemon)


def innermost(exc):
    while isinstance(exc, BaseExceptionGroup):
        [exc] = exc.exceptions
    return exc


async def test_cancelled_at_boot(daemon, tractor):
    with forkserverd.tractor.backend(socket=daemon):
        async with parent(tractor) as mother:
            with trio.move_on_after(0.3) as scope:
                await mother.start("silent")
            assert scope.cancelled_caught
    await nothing_is_left(daemon)


async def test_one_that_hears_nothing_is_killed(daemon, tractor):
    with forkserverd.tractor.backend(socket=daemon):
        with trio.CancelScope() as scope:
            async with parent(tractor) as mother:
                portal = await mother.start("deaf")
                process = mother.process(portal)
                scope.cancel()
        assert process.returncode == -signal.SIGKILL
    await nothing_is_left(daemon)


async def test_a_rehearsal_that_fails_is_told(daemon):
    """The stand-in has no runtime that could call itself."""
    with forkserverd.connect(daemon) as client:
        templates = client.call("templates")["templates"]
    (warning,) = {t["name"]: t for t in templates}["tractor"]["warnings"]
    assert warning.startswith("the rehearsal exited with 1: ModuleNotFoundError: No module")


async def test_templates_that_will_not_do(daemon, tractor):
    for template, texts in (
        ("other", ["tractor stand-in in ", "path or venv in the daemon's [template.other]"]),
        ("default", ["tractor none, not stand-in in", "daemon's [template.default]"]),
        ("none", ['no template "none"', "[template.none]"]),
    ):
        with forkserverd.tractor.backend(template, socket=daemon):
            with pytest.raises(BaseExceptionGroup) as caught:
                async with parent(tractor) as mother:
                    await mother.start("doggy")
        failure = innermost(caught.value)
        assert isinstance(failure, tractor.ActorFailure)
        for text in texts:
            assert text in str(failure)
    with forkserverd.tractor.backend("none", socket=daemon, fallback="stock"):
        async with parent(tractor) as mother:
            with pytest.warns(RuntimeWarning, match='own backend starts kitty: .*"none"'):
                assert await mother.start("kitty") == "stock"
    assert tractor.stock_started == ["kitty"]
    await nothing_is_left(daemon)


async def test_no_daemon(tmp_path, tractor):
    with forkserverd.tractor.backend(socket=tmp_path / "nothing"):
        with pytest.raises(BaseExceptionGroup) as caught:
            async with parent(tractor) as mother:
                await mother.start("doggy")
    assert "no daemon listens on" in str(innermost(caught.value))
    with forkserverd.tractor.backend(socket=tmp_path / "nothing", fallback="stock"):
        async with parent(tractor) as mother:
            with pytest.warns(RuntimeWarning, match="no daemon listens on"):
                assert await mother.start("doggy") == "stock"


async def test_a_daemon_that_dies(tmp_path, tractor):
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(copy=STANDIN))
    daemon = start(tmp_path, ["--config", config])
    with forkserverd.tractor.backend(socket=tmp_path / "socket"):
        async with parent(tractor) as mother:
            process = mother.process(await mother.start("doggy"))
            daemon.kill()
            # The backend waits for it, too.
            assert await process.wait() == 255
            assert process.poll() == 255
            process.kill()
    daemon.wait()


async def test_proc_kwargs(daemon, tractor):
    with forkserverd.tractor.backend(socket=daemon):
        with pytest.raises(BaseExceptionGroup) as caught:
            async with parent(tractor) as mother:
                await mother.start("doggy", creationflags=1)
    assert "proc_kwargs: creationflags cannot be had" in str(innermost(caught.value))


def test_installing(daemon, tractor):
    spawn = tractor.spawn._spawn
    with forkserverd.tractor.backend(socket=daemon):
        assert set(spawn._methods) == {"trio", "forkserverd"}
        assert spawn._methods["trio"].__qualname__ == "Backend.spawn"
    assert spawn._methods == {"trio": tractor.trio_proc}
    with pytest.raises(ValueError, match='neither "stock"'):
        forkserverd.tractor.install(fallback="other")


def test_a_tractor_of_another_shape(tractor, monkeypatch):
    spawn = tractor.spawn._spawn
    where = f"tractor at {STANDIN}"
    with monkeypatch.context() as patch:
        patch.setattr(spawn, "soft_kill", lambda proc, portal: None)
        text = f"{where}: tractor.spawn._spawn.soft_kill has no parameter wait_func"
        with pytest.raises(forkserverd.tractor.UnknownTractor, match=text):
            forkserverd.tractor.install()
        with pytest.warns(RuntimeWarning, match=text):
            forkserverd.tractor.install(fallback="stock")
        patch.delattr(spawn, "soft_kill")
        with pytest.raises(forkserverd.tractor.UnknownTractor, match="has no tractor.spawn._spawn"):
            forkserverd.tractor.install()
    with monkeypatch.context() as patch:
        patch.setattr(spawn, "_methods", {})
        with pytest.raises(forkserverd.tractor.UnknownTractor, match="has no 'trio'"):
            forkserverd.tractor.install()
