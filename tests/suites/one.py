"""Runs one file of CPython's test suite, or trio's suite, in this process.

usage: one.py OUT NAME [PATTERN...]

Tests of CPython's whose ids fit a PATTERN are left out.
Each test that begins or ends is a line of JSON in OUT: [id, outcome].  So it
is known how far it got, however the process ends.
"""

import json
import os
import sys

PYTEST = ["-p", "no:cacheprovider", "-p", "trio._tests.pytest_plugin"]
TRIO = [*PYTEST, "-v", "--skip-optional-imports", "--run-slow", "--pyargs", "trio"]
# Nothing that takes gigabytes.
RESOURCES = "subprocess,cpu,walltime,network"

_home = os.getpid()  # a test may fork, and its copy of us has no say
_out = None


def tell(id, outcome):
    if os.getpid() == _home:
        os.write(_out, json.dumps([id, outcome]).encode() + b"\n")


def id_of(test):
    test = getattr(test, "test_case", test)  # a subtest's skip is the test's
    return type(test).id(test)  # some tests have a number of this name


def run_file(name, *left_out):
    from test.libregrtest import main, testresult

    class Result(testresult.RegressionTestResult):
        def startTest(self, test):
            tell(id_of(test), "begun")
            super().startTest(test)

        def addSuccess(self, test):
            tell(id_of(test), "passed")
            super().addSuccess(test)

        def addExpectedFailure(self, test, err):
            tell(id_of(test), "passed")
            super().addExpectedFailure(test, err)

        def addSkip(self, test, reason):
            tell(id_of(test), "skipped")
            super().addSkip(test, reason)

        def addFailure(self, test, err):
            tell(id_of(test), "failed")
            super().addFailure(test, err)

        def addError(self, test, err):
            tell(id_of(test), "failed")
            super().addError(test, err)

        def addUnexpectedSuccess(self, test):
            tell(id_of(test), "failed")
            super().addUnexpectedSuccess(test)

        def addSubTest(self, test, subtest, err):
            if err is not None:
                tell(id_of(test), "failed")
            super().addSubTest(test, subtest, err)

    testresult.RegressionTestResult = Result
    ignore = [word for pattern in left_out for word in ("--ignore", pattern)]
    sys.argv[1:] = ["-v", "-u", RESOURCES, *ignore, f"test.{name}"]
    main.main()


class Plugin:
    """What one.py has to say to pytest."""

    def pytest_runtest_logstart(self, nodeid, location):
        tell(nodeid, "begun")

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            tell(report.nodeid, report.outcome)

    def pytest_collectreport(self, report):
        if report.outcome != "passed":
            tell(f"collect {report.nodeid}", report.outcome)


def run_trio():
    import pytest

    sys.exit(pytest.main(TRIO, plugins=[Plugin()]))


def main():
    global _out
    out, *words = sys.argv[1:]
    _out = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    if words == ["trio"]:
        run_trio()
    else:
        run_file(*words)


if __name__ == "__main__":
    main()
