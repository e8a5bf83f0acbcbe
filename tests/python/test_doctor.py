"""forkctl doctor: what it proves, and that it does not prove what isn't so."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import BIN, ENVIRONMENT

FORKCTL = BIN / "forkctl"
# What forkctl execs.  A sanitised forkctl takes no LD_PRELOAD.
ZYGOTE = (BIN / "forkserver-zygote", "--doctor")
TREE = pathlib.Path(__file__).resolve().parents[2]
RUNS = {
    "control_subint_thread_fork": ["legacy", "isolated"],
    "main_thread_fork": ["main"],
    "worker_thread_fork": ["main"],
    "full_architecture": ["legacy", "isolated"],
    "adopted_template": ["legacy", "isolated"],
    "promoted_template": ["legacy", "isolated"],
    "strict_configuration": ["strict"],
}
# The debug build asserts a little before.
DEBUG = os.environ.get("FORKSERVERD_VARIANT") == "dbg"
GATE = "tstate->interp == _PyInterpreterState_Main()" if DEBUG else "not main interpreter"
ENDED = "died of SIGABRT" if DEBUG else "exited with 1"


def doctor(*words, limit=300, command=(FORKCTL, "doctor"), **environment):
    return subprocess.run(
        [*command, *words],
        env={**ENVIRONMENT, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
    )


def told(done):
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert document["ok"] == (done.returncode == 0)
    return document


def preload(tmp_path, name, code):
    """A library that puts CODE in the place of a function or object."""
    source, library = tmp_path / f"{name}.c", tmp_path / f"{name}.so"
    source.write_text(code)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    return str(library)


# --- as it should be --------------------------------------------------------


def test_all_comes_out_as_expected():
    done = doctor("--json")
    document = told(done)
    assert done.returncode == 0, done.stdout
    assert document["python"].startswith("3.14.")
    runs = document["scenarios"]
    modes = [(name, mode) for name in RUNS for mode in RUNS[name]]
    assert [(run["name"], run["mode"]) for run in runs] == modes
    for run in runs:
        assert run["ok"] and run["expected"] and run["happened"] and run["about"]
    happened = {(run["name"], run["mode"]): run["happened"] for run in runs}
    for mode in RUNS["control_subint_thread_fork"]:
        text = happened["control_subint_thread_fork", mode]
        assert f"the child {ENDED}" in text and GATE in text
    strict = happened["strict_configuration", "strict"]
    assert "to_thread: RuntimeError" in strict
    assert "run_process: RuntimeError" in strict
    for mode in RUNS["promoted_template"]:
        text = happened["promoted_template", mode]
        assert "KeyboardInterrupt" in text and "os.fork" in text


def test_a_banner_for_people():
    done = doctor("--scenario", "control_subint_thread_fork")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[2].startswith("control_subint_thread_fork (legacy): a plain fork")
    assert lines[3].startswith("  expected: CPython ends the child: it ")
    assert lines[3].endswith(f', "{GATE}"')
    assert lines[4].startswith(f"  happened: the child {ENDED}; it said: ")
    assert lines[5].startswith("  | ") and GATE in lines[5]
    assert lines.count("  verdict:  as expected") == 2
    assert lines[-1] == "2 of 2 as expected"


def test_list_names_all():
    done = doctor("--list")
    assert (done.returncode, done.stderr) == (0, "")
    words = done.stdout.split()
    assert set(RUNS) < set(words)
    assert {"gil_starvation", "destroy_recycled", "fork_gate", "own_gil"} < set(words)


def test_what_cannot_be_written_is_a_failure():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [FORKCTL, "doctor", "--scenario", "main_thread_fork"],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == "doctor: standard output: No space left on device\n"


# --- planted faults ---------------------------------------------------------


def test_a_child_that_lives_fails_the_control(tmp_path):
    """As if CPython had no gate: the forked process ends well, unseen by it."""
    library = preload(
        tmp_path,
        "fork",
        """
        #include <sys/syscall.h>
        #include <signal.h>
        #include <unistd.h>
        pid_t fork(void)
        {
            pid_t pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
            if (pid == 0)
                _exit(0);
            return pid;
        }
        """,
    )
    words = ["--scenario", "control_subint_thread_fork"]
    done = doctor("--json", *words, command=ZYGOTE, LD_PRELOAD=library)
    assert done.returncode == 1
    for run in told(done)["scenarios"]:
        assert not run["ok"]
        assert "the child exited with 0" in run["happened"]
    shown = doctor(*words, command=ZYGOTE, LD_PRELOAD=library)
    assert shown.returncode == 1
    assert "  verdict:  FAILED\n" in shown.stdout
    assert shown.stdout.endswith("0 of 2 as expected\n")


def test_without_trio_the_scenarios_with_it_fail(tmp_path):
    (tmp_path / "trio.py").write_text("raise ModuleNotFoundError('none', name='trio')")
    done = doctor("--json", "--path", str(tmp_path))
    assert done.returncode == 1
    bare = {"control_subint_thread_fork", "main_thread_fork", "worker_thread_fork"}
    for run in told(done)["scenarios"]:
        assert run["ok"] == (run["name"] in bare), run
    assert "ModuleNotFoundError" in done.stdout


def test_what_hangs_is_killed_with_all_that_it_started(tmp_path):
    (tmp_path / "trio.py").write_text(
        "import os, signal, subprocess\n"
        "subprocess.Popen(['sh', '-c', 'trap \"\" TERM; echo $$ >$PIDS; exec cat'],"
        " stdin=subprocess.PIPE, start_new_session=True)\n"
        "print('hanging', flush=True)\n"
        "signal.pause()\n"
    )
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    with open(os.open(pids, os.O_RDWR)) as started:
        done = doctor(
            *("--json", "--limit", "5", "--path", str(tmp_path)),
            *("--scenario", "promoted_template"),
            PIDS=str(pids),
        )
        runs = told(done)["scenarios"]
        left = [int(started.readline()) for _ in runs]
    assert done.returncode == 1
    for run in runs:
        assert not run["ok"]
        assert run["happened"] == "no end within 5 seconds; killed"
        assert "hanging" in run["output"]
    for pid in left:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_another_python_is_one_clear_line(tmp_path):
    library = preload(
        tmp_path, "version", "const unsigned long Py_Version = 0x030d05f0;"
    )
    done = doctor(command=ZYGOTE, LD_PRELOAD=library)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "doctor: forkserverd needs CPython 3.14: libpython is 3.13, which has no"
        " concurrent.interpreters\n"
    )
    done = doctor(
        "/dev/null", command=(ZYGOTE[0], "--read-config"), LD_PRELOAD=library
    )
    assert done.returncode == 1
    assert done.stderr.startswith("forkserverd needs CPython 3.14: libpython is 3.13,")
    assert done.stderr.count("\n") == 1


def test_building_without_that_python_is_one_clear_line(tmp_path):
    done = subprocess.run(
        ["make", "-n", "programs"],
        cwd=TREE,
        env={
            "PATH": os.environ["PATH"],
            "FORKSERVERD_ENV": "1",
            "PKG_CONFIG_LIBDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "forkserverd needs CPython 3.14 with its headers" in done.stderr


# --- the audit --------------------------------------------------------------


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    """Of some modules: {(name, module, mode): (holds, evidence)}."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "raises.py").write_text("raise ValueError('not today')")
    (folder / "dies.py").write_text("import os; os.abort()")
    words = ["msgspec", "sqlite3", "raises", "dies", "no_such_module"]
    document = told(doctor("--audit", "--json", "--path", str(folder), *words))
    assert not document["ok"]  # of one nothing can be said
    return {
        (line["name"], line["module"], line["mode"]): (line["holds"], line["evidence"])
        for line in document["constraints"]
    }


def test_constraints_that_a_mode_dissolves(audit):
    for name, mode, holds in [
        ("gil_starvation", "legacy", True),
        ("gil_starvation", "isolated", False),
        ("fork_gate", "legacy", True),
        ("fork_gate", "isolated", True),
        ("fork_gate", "legacy, promoted", False),
        ("fork_gate", "isolated, promoted", False),
    ]:
        assert audit[name, None, mode][0] is holds, audit[name, None, mode]
    assert GATE in audit["fork_gate", None, "legacy"][1]


def test_destroying_is_found_out(audit):
    """Whichever way: it is CPython's."""
    for name in ("destroy_recycled", "destroy_entered"):
        for mode in ("legacy", "isolated"):
            holds, evidence = audit[name, None, mode]
            assert holds in (True, False)
            assert evidence


def test_modules_and_an_own_gil(audit):
    plain, promoted = "isolated", "isolated, promoted"
    holds, why = audit["own_gil", "msgspec", plain]
    assert holds and why.startswith("version ")
    assert why.endswith("does not support loading in subinterpreters")
    assert audit["own_gil", "msgspec", promoted][0] is False
    for mode in (plain, promoted):
        assert audit["own_gil", "sqlite3", mode][0] is False
        assert audit["own_gil", "no_such_module", mode] == (None, "not installed")
        holds, why = audit["own_gil", "dies", mode]
        assert holds and why.startswith("the process died of SIGABRT")
        holds, why = audit["own_gil", "raises", mode]
        assert holds and "ValueError: not today" in why


def test_the_preloads_of_a_configuration(tmp_path):
    """Each with its own template's folders."""
    for folder, text in ("a", "x = 1"), ("b", "raise ValueError('not b')"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"mod_{folder}.py").write_text(text)
    config = tmp_path / "forkserverd.toml"
    config.write_text(
        f"""
        [template.default]
        preload = ["mod_a"]
        path = ["/nowhere", "{tmp_path}/a"]
        [template.other]
        preload = ["mod_b", "mod_a"]
        path = ["{tmp_path}/b"]
        """
    )
    document = told(doctor("--audit", "--json", "--config", str(config)))
    seen = [
        (line["module"], line["holds"])
        for line in document["constraints"]
        if line["name"] == "own_gil" and line["mode"] == "isolated"
    ]
    assert seen == [("mod_a", False), ("mod_b", True), ("mod_a", None)]
    assert not document["ok"]  # it is not on the other's path


def test_a_configuration_that_cannot_be_read(tmp_path):
    config = tmp_path / "bad.toml"
    config.write_text("preload = [")
    done = doctor("--audit", "--json", "--config", str(config))
    assert done.returncode == 1
    assert not json.loads(done.stdout)["ok"]
    assert f"doctor: file {config}: cannot read" in done.stderr


def test_an_audit_for_people_that_dumps_no_core(tmp_path):
    (tmp_path / "dies.py").write_text("import os; os.abort()")
    done = subprocess.run(
        ["sh", "-c", 'ulimit -c unlimited && exec "$@"', "sh", FORKCTL, "doctor"]
        + ["--audit", "--path", tmp_path, "dies"],
        env=ENVIRONMENT,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert {line.split()[0] for line in lines[2:-2]} == {"holds", "gone"}
    count = len(lines) - 4
    assert lines[-1] == f"{count} of {count} found out"
    assert lines[-3].startswith(
        "holds    own_gil dies (isolated, promoted): the process died of SIGABRT"
    )
    assert [p.name for p in tmp_path.iterdir() if "core" in p.name] == []


# --- the command line -------------------------------------------------------


@pytest.mark.parametrize(
    "words, said",
    [
        (["--scenario", "no_such"], 'no scenario (see --list) "no_such"'),
        (["--limit", "0"], 'no number of seconds "0"'),
        (["--limit", "soon"], 'no number of seconds "soon"'),
        (["trio"], 'modules go with --audit only: "trio"'),
        (["--config", "x"], 'a configuration goes with --audit only: "x"'),
        (["--audit", "--scenario", "main_thread_fork"], "--audit has no scenario"),
        (["--no-such-option"], "no-such-option"),
    ],
)
def test_wrong_use(words, said):
    done = doctor(*words)
    assert (done.returncode, done.stdout) == (125, "")
    assert said in done.stderr


def test_the_zygote_is_found(tmp_path):
    """Beside forkctl, else by the environment, else by the option."""
    shutil.copy(FORKCTL, tmp_path)
    alone = (tmp_path / "forkctl", "doctor")
    zygote = str(BIN / "forkserver-zygote")
    words = ["--scenario", "main_thread_fork"]
    done = doctor(*words, command=alone)
    assert done.returncode == 125
    assert 'exec "/' in done.stderr
    assert doctor(*words, command=alone, FORKSERVER_ZYGOTE=zygote).returncode == 0
    done = doctor(
        *(*words, "--zygote", zygote), command=alone, FORKSERVER_ZYGOTE="/no/such"
    )
    assert done.returncode == 0
    os.symlink(zygote, tmp_path / "forkserver-zygote")
    assert doctor(*words, command=alone).returncode == 0
