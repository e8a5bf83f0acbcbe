"""A job of scenario_template.c: what an unpromoted child can do, and cannot.

Prints a line for each thing seen; exits with 0 when all was as expected.
"""

import os
import signal
import threading

import trio

assert threading.get_native_id() == os.getpid()


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep, 0.01)
        assert await trio.to_thread.run_sync(threading.get_native_id) != os.getpid()
    ended = await trio.run_process(["/bin/sh", "-c", "exit 3"], check=False)
    assert ended.returncode == 3


trio.run(main)
print("trio ran: nursery, timer, to_thread, run_process")

try:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    raise SystemExit("signal.signal works")
except ValueError as exc:
    print(f"no handler for signals: {exc}")

try:
    if os.fork() == 0:
        os._exit(0)
    raise SystemExit("os.fork works")
except RuntimeError as exc:
    print(f"no os.fork: {exc}")
