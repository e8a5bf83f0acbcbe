"""Where a suite's file can run: under python3.14, or in a child of a mode.

A place's run(argv, env, folder, log, limit) runs one.py and tells how it ended:
"exit 0", "signal 11", or "timeout" after LIMIT seconds.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "demo"))
import rpc  # noqa: E402

BIN = pathlib.Path(
    os.environ.get("FORKSERVERD_BIN_DIR", HERE.parents[1] / "build" / "bin")
)
MODES = ["legacy", "isolated"]
ONE = HERE / "one.py"
GRACE_NS = 100_000_000

CONFIG = "".join(
    f'[template.{mode}]\nmode = "{mode}"\npreload = ["trio"]\n' for mode in MODES
)


def end_session(leader):
    """Whatever a test left behind in the session of its process."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def hear_signals():
    """What nohup and shells ignore for what they start is not to be the tests'.
    SIGTERM ends the daemon too, when the files that run have ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def run_python(argv, env, folder, log, limit):
    process = subprocess.Popen(
        ["python3.14", ONE, *argv],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        status = process.wait(limit)
    except subprocess.TimeoutExpired:
        return "timeout"
    finally:
        end_session(process.pid)
        process.wait()
    return f"exit {status}" if status >= 0 else f"signal {-status}"


def run_child(socket, mode, argv, env, folder, log, limit):
    client = rpc.Client(socket)
    with open(os.devnull) as null, contextlib.closing(client):
        child = client.call(
            "spawn",
            {
                "template": mode,
                "script": str(ONE),
                "argv": argv,
                "env": env,
                "cwd": str(folder),
                "fds": [0, 1, 2],
                "grace_ns": GRACE_NS,
            },
            [null.fileno(), log.fileno(), log.fileno()],
        )
        if not child["promoted"]:
            sys.exit(f"the template {mode} does not promote its children")
        try:
            record = client.call(
                "wait", {"id": child["id"], "timeout_ns": limit * 1_000_000_000}
            )
        except rpc.RpcError as error:
            if error.fields["code"] != "timeout":
                raise
            client.call("kill", {"id": child["id"]})
            client.call("wait", {"id": child["id"]})
            return "timeout"
        finally:
            end_session(child["pid"])
    if "signal" in record:
        return f"signal {record['signal']}"
    return f"exit {record['exit_code']}"


@contextlib.contextmanager
def daemon(folder, text=CONFIG):
    """A daemon of this configuration; its socket and process id."""
    config = folder / "config.toml"
    config.write_text(text)
    socket = folder / "socket"
    ready, ready_end = os.pipe()
    process = subprocess.Popen(
        [BIN / "forkserverd", "--config", config, "--socket", socket]
        + ["--log-level", "warn", "--ready-fd", str(ready_end)],
        pass_fds=[ready_end],
        env=environment(),
    )
    try:
        os.close(ready_end)
        with open(ready) as pipe:
            if not pipe.readline():
                sys.exit(f"forkserverd ended with {process.wait()} before it was ready")
        yield str(socket), process.pid
    finally:
        process.terminate()
        status = process.wait(60)
    if status != 0:
        sys.exit(f"forkserverd ended with {status}")


def environment():
    """The caller's, without what would make either Python another one."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
