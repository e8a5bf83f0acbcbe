"""What a template does before it serves, and what its preloads may leave."""

import json
import subprocess
import textwrap

import pytest
from conftest import BIN, ENVIRONMENT, running

MODULES = {
    "a_socket": "import socket; kept = socket.socket()",
    "an_epoll": "import select; kept = select.epoll()",
    "a_pipe": "import os; kept = os.pipe()",
    "a_file": "kept = open(__file__ + '.log', 'a')",
    "a_device": "import os; kept = os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY)",
    "a_thread": """
        import ctypes

        libc = ctypes.CDLL(None)
        thread = ctypes.c_ulong()
        libc.pthread_create(ctypes.byref(thread), None, libc.pause, None)
        """,
    "a_python_thread": """
        import threading

        threading.Thread(target=threading.Event().wait, daemon=True).start()
        """,
    "quiet": """
        import ctypes
        import os

        source = open(__file__)
        null = open("/dev/null", "r+b", 0)
        folder = os.open("/", os.O_RDONLY)
        callback = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7)


        def use():
            null.write(b"x")
            return [source.readline(), os.fstat(folder).st_ino, callback()]
        """,
    "hooks": """
        import os

        primed, born, forks = [], [], []
        for when in ("before", "after_in_parent", "after_in_child"):
            os.register_at_fork(**{when: lambda when=when: forks.append(when)})


        def prime():
            primed.append(os.getpid())


        def after_fork():
            born.append(os.getpid())


        def told():
            import json
            print(json.dumps([primed, born, forks, os.getpid(), os.getppid()]))


        def prime_fails():
            raise ValueError("not primed")


        def after_fork_fails():
            raise ValueError("not born")


        def fails_in_jobs():
            # The first child of a template is its canary.
            with open(os.environ["COUNT"], "a+") as file:
                file.write("x")
                file.seek(0)
                if len(file.read()) > 1:
                    raise ValueError("no job")


        def rehearse():
            with open(os.environ["COUNT"], "a") as file:
                print(os.getpid(), os.getppid(), file=file)


        def rehearse_and_fail():
            rehearse()
            raise ValueError("no actor\\nbut two lines")


        def rehearse_and_die():
            rehearse()
            os.kill(os.getpid(), 9)


        def rehearses():
            import _forkserverd
            _forkserverd.rehearsal = rehearse


        def rehearsal_fails():
            import _forkserverd
            _forkserverd.rehearsal = rehearse_and_fail


        def rehearsal_dies():
            import _forkserverd
            _forkserverd.rehearsal = rehearse_and_die


        def rehearsal_is_none():
            import _forkserverd
            _forkserverd.rehearsal = None


        async def waits():
            pass
        """,
    "tempdir": "import tempfile; early = tempfile.gettempdir()",
    "grows": "kept = [bytes(4096) for _ in range(1000)]",
}

# What is told of each rehearsal that the function of that name sets.
REHEARSALS = {
    "rehearses": [],
    "rehearsal_fails": ["the rehearsal exited with 1: ValueError: no actor"],
    "rehearsal_dies": ["the rehearsal died of signal 9"],
    "rehearsal_is_none": [
        "the rehearsal exited with 1: TypeError: _forkserverd:rehearsal is not callable: NoneType"
    ],
}

# What each leaves, by the word that `allow` has for it.
LEFT = {
    "sockets": ("a_socket", "descriptor 5.., socket:.*"),
    "events": ("an_epoll", "anon_inode:.*eventpoll.*"),
    "pipes": ("a_pipe", "pipe:.*"),
    "files": ("a_file", "a_file.py.log"),
    "devices": ("a_device", "/dev/pt.*"),
    "threads": ("a_thread", "thread of .* running"),
}


def template(name, preload, more=""):
    return f"""
[template.{name}]
path = ["FOLDER"]
preload = {json.dumps(["trio", *preload])}
{more}
"""


CONFIG = (
    template("default", ["quiet", "grows"])
    + template("python_thread", ["a_python_thread"])
    + template("hooks", ["hooks", "tempdir"], 'prime = ["hooks:prime"]\nafter_fork = ["hooks:after_fork"]')
    + template("prime_fails", ["hooks"], 'prime = ["hooks:prime_fails"]')
    + template("no_such", ["hooks"], 'after_fork = ["hooks:no_such"]')
    + template("waits", ["hooks"], 'after_fork = ["hooks:waits"]')
    + template("after_fork_fails", ["hooks"], 'after_fork = ["hooks:after_fork_fails"]')
    + template("job_fails", ["hooks"], 'after_fork = ["hooks:fails_in_jobs"]\nenv = { COUNT = "FOLDER/count" }')
    + "".join(
        template(n, ["hooks"], f'prime = ["hooks:{n}"]\nenv = {{ COUNT = "FOLDER/{n}" }}')
        for n in REHEARSALS
    )
    + "".join(template(f"refused_{c}", [m]) for c, (m, _) in LEFT.items())
    + "".join(template(f"allowed_{c}", [m], f'allow = ["{c}"]') for c, (m, _) in LEFT.items())
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preload")
    for name, source in MODULES.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source))
    return folder


@pytest.fixture(scope="module")
def preload_daemon(folder):
    config = folder / "config.toml"
    config.write_text(CONFIG.replace("FOLDER", str(folder)))
    with (
        open(folder / "log", "w") as log,
        running(folder, ["--config", config], stderr=log) as socket,
    ):
        yield socket


def forkctl(socket, *words):
    return subprocess.run(
        [BIN / "forkctl", "--socket", socket, *words],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def templates(preload_daemon):
    """As they are when each has been ready or has failed once."""
    told = forkctl(preload_daemon, "--json", "templates").stdout
    return {t["name"]: t for t in json.loads(told)["templates"]}


def error_of(socket, name):
    """The message with which a spawn is refused."""
    run = forkctl(socket, "run", "-t", name, "-c", "pass")
    assert run.returncode == 125
    return run.stderr


@pytest.mark.parametrize("word", LEFT)
def test_what_is_left_is_refused(preload_daemon, word):
    module, text = LEFT[word]
    error = error_of(preload_daemon, f"refused_{word}")
    assert f'preload "{module}" leaves ' in error
    assert f'allow = ["{word}"]' in error


@pytest.mark.parametrize("word", LEFT)
def test_what_is_left_is_kept_where_it_is_allowed(preload_daemon, templates, word):
    module, _ = LEFT[word]
    told = templates[f"allowed_{word}"]
    assert told["state"] == "ready", told
    # A pipe is two.
    assert told["warnings"]
    for warning in told["warnings"]:
        assert warning.startswith(f'preload "{module}" leaves ')
    if word != "threads":
        code = f"import os, {module}; os.fstat({told['warnings'][0].split()[4]})"
        run = forkctl(preload_daemon, "run", "-t", f"allowed_{word}", "-c", code)
        assert run.returncode == 0, run.stderr


def test_python_threads_are_never_allowed(preload_daemon):
    error = error_of(preload_daemon, "python_thread")
    assert 'preload "a_python_thread" leaves Python threads running (1)' in error


def test_what_does_no_harm_is_kept_in_silence(preload_daemon, templates):
    assert templates["default"]["warnings"] == []
    code = "import quiet; print(quiet.use()[2])"
    run = forkctl(preload_daemon, "run", "-c", code)
    assert (run.stdout, run.stderr) == ("7\n", "")


def test_imports_are_measured(templates):
    told = {p["module"]: p for p in templates["default"]["preload"]}
    assert list(told) == ["trio", "quiet", "grows"]
    assert told["trio"]["import_ns"] > told["quiet"]["import_ns"] > 0
    assert 4000 <= told["grows"]["private_kb"] < 20000


def test_imports_are_told_to_people(preload_daemon):
    lines = forkctl(preload_daemon, "templates", "default").stdout.splitlines()
    assert lines[1].split()[0] == "default" and lines[2] == ""
    assert lines[3].split() == ["PRELOAD", "IMPORT", "KB"]
    assert [line.split()[0] for line in lines[4:]] == ["trio", "quiet", "grows"]
    assert 4000 <= int(lines[-1].split()[2]) < 20000


def test_warnings_are_told_to_people(preload_daemon):
    told = forkctl(preload_daemon, "templates", "allowed_sockets").stdout
    assert '\nallowed_sockets: warning: preload "a_socket" leaves ' in told
    assert "refused" not in told
    absent = forkctl(preload_daemon, "templates", "nosuch")
    assert (absent.returncode, absent.stderr) == (125, 'forkctl: no template "nosuch"\n')


def test_prime_and_after_fork_are_called(preload_daemon, templates):
    run = forkctl(preload_daemon, "run", "-t", "hooks", "hooks:told")
    primed, born, _, pid, parent = json.loads(run.stdout)
    assert primed == [templates["hooks"]["pid"]] == [parent]
    assert born == [pid]


def test_a_preloads_hooks_around_forks(preload_daemon):
    """Those before are run once, when the template is made, as if forked then."""
    for _ in range(3):
        run = forkctl(preload_daemon, "run", "-t", "hooks", "hooks:told")
        assert json.loads(run.stdout)[2] == ["before", "after_in_child"]


@pytest.mark.parametrize("name", ["rehearses", "rehearsal_fails", "rehearsal_dies"])
def test_a_rehearsal_of_a_modules_own(preload_daemon, templates, folder, name):
    """In one child of the template's, and for speed only."""
    run = forkctl(preload_daemon, "run", "-t", name, "hooks:told")
    *_, pid, parent = json.loads(run.stdout)
    told = [line.split() for line in (folder / name).read_text().splitlines()]
    assert [line[1] for line in told] == [str(parent)] == [str(templates[name]["pid"])]
    assert told[0][0] not in (str(pid), str(parent))


@pytest.mark.parametrize("name", REHEARSALS)
def test_a_rehearsal_that_fails_is_told(preload_daemon, templates, folder, name):
    assert (templates[name]["state"], templates[name]["way"]) == ("ready", "promoted")
    assert templates[name]["warnings"] == REHEARSALS[name]
    lines = (folder / "log").read_text().splitlines()
    told = [line.partition(" op=audit: ")[2] for line in lines if f"template={name} " in line]
    assert told == REHEARSALS[name]
    assert forkctl(preload_daemon, "run", "-t", name, "-c", "pass").returncode == 0


def test_a_jobs_tmpdir_counts(preload_daemon, tmp_path):
    """Although a preload has asked for it before."""
    code = "import tempdir, tempfile; print(tempdir.early, tempfile.gettempdir())"
    run = subprocess.run(
        [BIN / "forkctl", "--socket", preload_daemon, "run", "-t", "hooks", "-c", code],
        env={**ENVIRONMENT, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    early, late = run.stdout.split()
    assert late == str(tmp_path) != early


@pytest.mark.parametrize(
    "name, text",
    [
        ("prime_fails", 'prime "hooks:prime_fails": ValueError: not primed'),
        ("no_such", "after_fork \"hooks:no_such\": AttributeError: module 'hooks'"),
        ("waits", 'after_fork "hooks:waits": TypeError: expected a plain function'),
        ("after_fork_fails", 'after_fork "hooks:after_fork_fails": ValueError: not born'),
    ],
)
def test_functions_that_fail_cost_their_template(preload_daemon, name, text):
    error = error_of(preload_daemon, name)
    assert text in error
    if "fails" in name:
        assert "in " + name in error  # the traceback's last frame


def test_an_after_fork_that_fails_later_is_the_spawns_error(preload_daemon):
    error = error_of(preload_daemon, "job_fails")
    assert 'after_fork "hooks:fails_in_jobs": ValueError: no job' in error
    assert "in fails_in_jobs" in error


# --- virtual environments ---------------------------------------------------

VENV_PROGRAM = """
import json, os, sys, multiprocessing.spawn as spawn, in_venv
print(json.dumps([sys.prefix, sys.base_prefix, sys.executable,
    sys._base_executable, in_venv.__file__, os.fsdecode(spawn.get_executable()),
    [p for p in sys.path if p and "dist-packages" in p]]))
"""


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    folder = tmp_path_factory.mktemp("venv") / "venv"
    python = "/usr/bin/python3.14"
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    (folder / "lib/python3.14/site-packages/in_venv.py").write_text("")
    (folder / "lib/python3.14/site-packages/in_venv.pth").write_text(
        "import sys; sys.pth_was_read = True\n"
    )
    return folder


@pytest.fixture(scope="module")
def venv_daemon(venv, tmp_path_factory):
    folder = tmp_path_factory.mktemp("daemon")
    config = folder / "config.toml"
    config.write_text(
        f'[template.default]\nvenv = "{venv}"\npreload = ["in_venv"]\n'
        f'[template.isolated]\nmode = "isolated"\nvenv = "{venv}"\npreload = []\n'
        f'[template.absent]\nvenv = "{venv}/no"\n[template.relative]\nvenv = "no"\n'
    )
    with running(folder, ["--config", config]) as socket:
        yield socket


@pytest.mark.parametrize("name", ["default", "isolated"])
def test_a_venvs_child_is_as_its_python(venv, venv_daemon, name):
    child = forkctl(venv_daemon, "run", "-t", name, "-c", VENV_PROGRAM)
    python = subprocess.run(
        [venv / "bin/python", "-c", VENV_PROGRAM], capture_output=True, text=True
    )
    assert python.returncode == 0, python.stderr
    assert child.returncode == 0, child.stderr
    expected = json.loads(python.stdout)
    assert json.loads(child.stdout) == expected
    assert expected[0] == str(venv)


def test_a_venvs_pth_files_are_read(venv_daemon):
    code = "import sys; print(sys.pth_was_read, sys.flags.no_site)"
    assert forkctl(venv_daemon, "run", "-c", code).stdout == "True 0\n"


@pytest.mark.parametrize(
    "name, text",
    [("absent", '"pyvenv.cfg": no such file'), ("relative", "expected an absolute path")],
)
def test_a_venv_that_is_none_is_refused(venv_daemon, name, text):
    assert text in error_of(venv_daemon, name).lower()
