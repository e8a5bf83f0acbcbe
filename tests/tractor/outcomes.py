"""A pytest plugin: tells the outcome of each test as soon as it is known.

Environment, of whoever runs pytest:
  OUTCOMES       a descriptor, for one line of JSON after the other:
                 ["collected", IDS], ["start", ID], ["end", ID, OUTCOME]
  OUTCOMES_ONLY  a file with a JSON array: the tests to run; else all
"""

import json
import os
import re


def name(item_or_id):
    """An id that is the same in each run."""
    return re.sub(r" at 0x[0-9a-f]+", "", getattr(item_or_id, "nodeid", item_or_id))


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
            others = [item for item in items if name(item) not in wanted]
            items[:] = [item for item in items if name(item) in wanted]
            config.hook.pytest_deselected(items=others)

    def pytest_collection_finish(self, session):
        self._tell("collected", [name(item) for item in session.items])

    def pytest_runtest_logstart(self, nodeid):
        self._outcome = None
        self._tell("start", name(nodeid))

    def pytest_runtest_logreport(self, report):
        if hasattr(report, "wasxfail"):
            outcome = "xpassed" if report.passed else "xfailed"
        else:
            outcome = report.outcome
        if outcome == "failed" or report.when == "call" or outcome != "passed":
            self._outcome = "failed" if self._outcome == "failed" else outcome

    def pytest_runtest_logfinish(self, nodeid):
        self._tell("end", name(nodeid), self._outcome)


def pytest_configure(config):
    pipe = open(int(os.environ["OUTCOMES"]), "w", closefd=False)  # noqa: SIM115
    config.pluginmanager.register(Teller(pipe))
