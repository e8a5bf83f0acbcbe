"""Run by scenario_strict.c in a main interpreter: trio in an interpreter as
concurrent.interpreters makes it.
"""

import os
from concurrent import interpreters

INSIDE = """
import os, sys
sys.path[:0] = [path] if path else []
import trio

def attempt(name, async_fn, *args):
    try:
        trio.run(async_fn, *args)
    except BaseException as exc:
        while isinstance(exc, BaseExceptionGroup):
            exc = exc.exceptions[0]
        said = f"{type(exc).__name__}: {exc}"
    else:
        said = "works"
    os.write(out, f"{name}\\t{said}\\n".encode())

async def timer():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep, 0.01)
        nursery.start_soon(trio.lowlevel.checkpoint)

async def to_thread():
    await trio.to_thread.run_sync(int)

async def run_process():
    await trio.run_process(["/bin/true"])

attempt("nursery and timer", timer)
attempt("to_thread", to_thread)
attempt("run_process", run_process)
"""


def look(mode, path):
    """(whether all is as expected, what came of each)"""
    ear, out = os.pipe()
    interp = interpreters.create()
    interp.prepare_main(out=out, path=path)
    interp.exec(INSIDE)
    os.close(out)
    with open(ear) as lines:
        seen = dict(line.rstrip("\n").split("\t", 1) for line in lines)
    works = [name for name, said in seen.items() if said == "works"]
    return (
        len(seen) == 3 and works == ["nursery and timer"],
        "\n".join(f"{name}: {said}" for name, said in seen.items()),
    )
