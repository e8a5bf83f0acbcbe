"""What each child of the soak does: threads, signals, a fork, garbage."""

import gc
import os
import signal

import trio


class Knot:
    def __init__(self):
        self.self = self


async def main():
    seen = []
    with trio.open_signal_receiver(signal.SIGUSR1) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 0)
            seen.append(await trio.to_thread.run_sync(sum, [1, 2]))
        os.kill(os.getpid(), signal.SIGUSR1)
        async for signum in signals:
            seen.append(signum)
            break
    pid = os.fork()
    if pid == 0:
        os._exit(len(seen))
    seen.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    for _ in range(100):
        Knot()
    gc.collect()
    return seen


RESULT = [3, int(signal.SIGUSR1), 2]

