"""A pytest plugin: tells the outcome of each test as soon as it is known.

Environment, of whoever runs pytest:
  OUTCOMES       a descriptor, for one line of JSON after the other:
                 ["collected", IDS], ["start", ID], ["end", ID, OUTCOME]
  OUTCOMES_ONLY  a file with a JSON array: the tests to run; else all
"""

import json
import os


class Teller:
    def __init__(self, pipe):
        self._pipe = pipe
        self._outcome = None

    def _tell(self, *what):
        print(json.dumps(what), file=self._pipe, flush=True)

    def pytest_collection_modifyitems(self, config, items):
        only = os.environ.get("OUTCOMES_ONLY")
        if only:
            with open(only) as file:
                wanted = set(json.load(file))
            others = [item for item in items if item.nodeid not in wanted]
            items[:] = [item for item in items if item.nodeid in wanted]
            config.hook.pytest_deselected(items=others)

    def pytest_collection_finish(self, session):
        self._tell("collected", [item.nodeid for item in session.items])

    def pytest_runtest_logstart(self, nodeid):
        self._outcome = None
        self._tell("start", nodeid)

    def pytest_runtest_logreport(self, report):
        if hasattr(report, "wasxfail"):
            outcome = "xpassed" if report.passed else "xfailed"
        else:
            outcome = report.outcome
        if outcome == "failed" or report.when == "call" or outcome != "passed":
            self._outcome = "failed" if self._outcome == "failed" else outcome

    def pytest_runtest_logfinish(self, nodeid):
        self._tell("end", nodeid, self._outcome)


def pytest_configure(config):
    pipe = open(int(os.environ["OUTCOMES"]), "w", closefd=False)  # noqa: SIM115
    config.pluginmanager.register(Teller(pipe))
