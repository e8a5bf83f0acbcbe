"""The state of a child that CPython keeps per process, thread or interpreter.

In both modes, and compared with python3.14: what a fork, a template of another
time or another interpreter could have left wrong.
"""

import pytest
from conftest import MODES
from like import like_python
from states import PROGRAMS

HIDE = {
    "native ids": r"\d{15}",  # what a repr shows of a thread
    "logging across a fork": r"pid=\d+",
    "what fails at the end": r"0x[0-9a-f]+",
    "a segmentation fault": r"0x[0-9a-f]{16}|\[[^]]*\]|(?s:Current thread's C stack.*)",
    "faulthandler": r"0x[0-9a-f]{16}|\[[^]]*\]",
    "tracebacks": r"0x[0-9a-f]+",
    "unraisable": r"0x[0-9a-f]+",
}

ENVIRONMENTS = {
    "locale": [
        {},
        {"TZ": "America/New_York"},
        {"TZ": "EST5EDT", "LANG": "C.UTF-8"},
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "LC_TIME": "nosuch"},
        {"LC_ALL": "nosuch"},
    ],
    "standard streams": [{}, {"LC_ALL": "C"}, {"PYTHONUNBUFFERED": "1"}],
    "temporary files": [{}, {"TMPDIR": "/var/tmp"}, {"TMPDIR": "/nosuch"}],
}

CASES = [
    pytest.param(name, environment, id=" ".join([name, *map("=".join, environment.items())]))
    for name in PROGRAMS
    for environment in ENVIRONMENTS.get(name, [{}])
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name, environment", CASES)
def test_state(modes_daemon, tmp_path, name, environment, mode):
    code = PROGRAMS[name]
    like_python(
        modes_daemon, ["-c", code, "one", "-W"], tmp_path, mode, environment, HIDE.get(name)
    )
