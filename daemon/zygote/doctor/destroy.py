"""Run by audit_interpreters.c in a main interpreter: subinterpreters that are
destroyed while threads that have been in them live on.
"""

import os
import threading
import time

import _interpreters

CROWD = 50
SECONDS = 5  # each; what is not seen by then is taken for gone


def destroy_recycled(mode, path):
    """One worker of trio's cache is in every interpreter, one after another.

    Each is destroyed at once when its code says that it has ended, while the
    worker is on its way out.
    """
    import trio

    ear, out = os.pipe()
    workers = set()
    rounds = refused = 0

    def work(interp):
        workers.add(threading.get_ident())
        _interpreters.exec(interp, f"import os; os.write({out}, b'.')")

    async def main():
        nonlocal rounds, refused
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            rounds += 1
            interp = _interpreters.create(mode)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.to_thread.run_sync, work, interp)
                await trio.to_thread.run_sync(os.read, ear, 1)
                while True:
                    try:
                        _interpreters.destroy(interp)
                        break
                    except _interpreters.InterpreterError:  # still running
                        refused += 1
                        os.sched_yield()

    trio.run(main)
    return False, (
        f"{rounds} were destroyed as {len(workers)} recycled threads left them "
        f"({refused} tries came too early): none blocked or crashed"
    )


def destroy_entered(mode, path):
    """Many threads enter one interpreter and destroy it, in no order."""
    crowds, until = 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        crowds += 1
        interp = _interpreters.create(mode)

        def enter(interp=interp):
            try:
                _interpreters.exec(interp, "1")
                _interpreters.destroy(interp)
            except (
                _interpreters.InterpreterError,
                _interpreters.InterpreterNotFoundError,
            ):
                pass  # in use, or no more

        crowd = [threading.Thread(target=enter) for _ in range(CROWD)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
    return False, (
        f"{crowds} times {CROWD} threads entered and destroyed one: none crashed"
    )
