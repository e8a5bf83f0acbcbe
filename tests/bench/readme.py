"""make bench-readme: the figures of build/bench.json into README.md, between
the two lines that say so, and the picture beside this file."""

import json
import pathlib
import re
import sys

import picture
import report

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
BEGIN = "<!-- make bench-readme writes from here -->\n"
END = "<!-- to here -->\n"


def main():
    written = TOP / "build" / "bench.json"
    if not written.exists():
        sys.exit(f"{written} is not there: make bench writes it")
    figures = json.loads(written.read_text())
    readme = TOP / "README.md"
    text, found = re.subn(
        re.escape(BEGIN) + ".*?" + re.escape(END),
        lambda _: f"{BEGIN}\n{report.markdown(figures)}\n{END}",
        readme.read_text(),
        flags=re.DOTALL,
    )
    if found != 1:
        sys.exit(f"{readme}: the two lines are there {found} times")
    readme.write_text(text)
    (HERE / "bench.svg").write_text(picture.svg(figures))


if __name__ == "__main__":
    main()
