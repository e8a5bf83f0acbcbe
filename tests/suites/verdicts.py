"""What the tests of a file came to in one place, and how two places differ."""

import fnmatch
import json
import typing

# Of several outcomes of one id the last of these counts.
RANK = ["begun", "passed", "skipped", "failed"]
WHOLE = "the whole file"  # an id of its own: how the process ended


def read(path):
    """{id: outcome} of one.py's lines; the last line says how it ended."""
    *lines, (name, ended) = map(json.loads, path.read_text().splitlines())
    if name != WHOLE:
        raise ValueError(f"{path} does not say how it ended")
    tests = {}
    for id, outcome in lines:
        tests[id] = max(tests.get(id, "begun"), outcome, key=RANK.index)
    tests[WHOLE] = whole(ended, "failed" in tests.values())
    # What began only was taken along by the process's end.
    return {id: f"failed: {ended}" if o == "begun" else o for id, o in tests.items()}


def whole(ended, some_failed):
    # pytest and regrtest exit with 1 and 2 where tests failed; regrtest with 4
    # where it ran none.
    if ended == "exit 0" or (ended in ("exit 1", "exit 2") and some_failed):
        return "passed"
    return "skipped" if ended == "exit 4" else f"failed: {ended}"


def complete(path):
    try:
        read(path)
    except (FileNotFoundError, ValueError):
        return False
    return True


def failed(outcome):
    return outcome.startswith("failed")


def counts(files):
    """Of several files' {id: outcome}, as text."""
    values = [outcome for tests in files for outcome in tests.values()]
    bad = sum(map(failed, values))
    text = f"{values.count('passed')} passed, {bad} failed"
    return f"{text}, {values.count('skipped')} skipped"


def passed(files):
    return sum(list(tests.values()).count("passed") for tests in files)


class Row(typing.NamedTuple):
    """What a test came to under python3.14 and in a child."""

    place: str
    file: str
    id: str
    python: str
    child: str

    def is_worse(self):
        """Passes under python and not in the child, or fails in the child only."""
        alone = failed(self.child) and not failed(self.python)
        return self.python == "passed" or alone


def rows(results):
    """RESULTS: {(file, place): {id: outcome}}, "python" among the places."""
    for (file, place), child in results.items():
        python = results[file, "python"]
        for id in dict.fromkeys([*python, *child]) if place != "python" else ():
            there, here = python.get(id, "not run"), child.get(id, "not run")
            yield Row(place, file, id, there, here)


def differences(results):
    return [row for row in rows(results) if row.python != row.child]


def failed_twice(results):
    return [row for row in rows(results) if failed(row.python) and failed(row.child)]


class Known:
    """The Rows to be expected: what the file PATH lists."""

    def __init__(self, path):
        lines = [line.split(None, 2) for line in path.read_text().splitlines()]
        self._lines = [words for words in lines if words and words[0][0] != "#"]

    def __contains__(self, row):
        return any(
            row.place in places.split(",")
            and fnmatch.fnmatchcase(f"{row.file}:{row.id}", pattern)
            for places, pattern, _ in self._lines
        )

    def hanging(self, place, file):
        """Patterns of the tests that are not to be run there."""
        return [
            pattern.removeprefix(f"{file}:")
            for places, pattern, reason in self._lines
            if place in places.split(",")
            and pattern.startswith(f"{file}:")
            and reason.startswith("hangs: ")
        ]
