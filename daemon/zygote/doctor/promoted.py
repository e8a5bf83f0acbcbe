"""A job of scenario_template.c: what a promoted child can do.

Prints a line for each thing seen; exits with 0 when all was as expected.
"""

import os
import signal
import sys
import threading

import trio

assert threading.get_native_id() == os.getpid()


def kill_self(number):
    os.kill(os.getpid(), number)


def check_handler():
    seen = []
    old = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    kill_self(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, old)
    assert seen == [signal.SIGUSR1], seen


async def interrupted():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        kill_self(signal.SIGINT)
        await trio.sleep_forever()


def check_interrupt():
    try:
        trio.run(interrupted)
    except* KeyboardInterrupt:
        print("SIGINT ended trio.run with KeyboardInterrupt")
    else:
        raise SystemExit("SIGINT ended trio.run without KeyboardInterrupt")


async def receive():
    with trio.open_signal_receiver(signal.SIGUSR2) as signals:
        kill_self(signal.SIGUSR2)
        async for number in signals:
            return number


async def work():
    ended = await trio.run_process(["/bin/sh", "-c", "exit 3"], check=False)
    return ended.returncode + await trio.to_thread.run_sync(lambda: 4)


def check_fork():
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            check_handler()
            status = trio.run(work)
        finally:
            sys.stdout.flush()
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 7, status
    print("os.fork: a grandchild handled a signal and ran trio")


check_handler()
print("a handler of signal.signal ran")
check_interrupt()
assert trio.run(receive) == signal.SIGUSR2
print("trio.open_signal_receiver received a signal")
sys.stdout.flush()
check_fork()
assert trio.run(work) == 7
print("trio ran: run_process, to_thread")
