"""Run by audit_interpreters.c in a main interpreter: what a thread that trio has
abandoned in a subinterpreter leaves to trio's loop.
"""

import os
import statistics
import time

import _interpreters

# One call that never looks at the GIL, long enough to be noticed; then code
# that gives the GIL up only when it is asked to.
ABANDONED = """
import os, time
count, took = 1 << 18, 0
while took < 0.3:
    count *= 2
    begun = time.monotonic()
    sum(range(count))
    took = time.monotonic() - begun
os.write(out, str(took).encode())
while True:
    pass
"""
TURNS = 40


def look(mode, path):
    """(whether the loop is starved, what was seen)"""
    import trio

    ear, out = os.pipe()
    os.set_blocking(ear, False)
    interp = _interpreters.create(mode)
    _interpreters.set___main___attrs(interp, {"out": out})

    async def lateness():
        begun = time.monotonic()
        await trio.sleep(0.001)
        return time.monotonic() - begun - 0.001

    async def main():
        alone = [await lateness() for _ in range(TURNS)]
        with trio.move_on_after(0.01):
            await trio.to_thread.run_sync(
                _interpreters.exec, interp, ABANDONED, abandon_on_cancel=True
            )
        pause, last = 0, time.monotonic()
        while True:
            await trio.sleep(0.001)
            now = time.monotonic()
            pause, last = max(pause, now - last), now
            try:
                took = float(os.read(ear, 100))
                break
            except BlockingIOError:
                pass
        beside = [await lateness() for _ in range(TURNS)]
        return pause, took, *map(statistics.median, (alone, beside))

    pause, took, alone, beside = trio.run(main)
    # It may give way just before the call and just after.
    return pause > took / 2, (
        f"during one C call of {took:.2f} s in the abandoned thread trio's loop "
        f"stood still for {pause:.2f} s; beside its plain loop a timer was "
        f"{beside * 1e3:.1f} ms late, alone {alone * 1e3:.1f} ms"
    )
