"""What the first child of a template tries: module `_forkserverd_canary`."""

import gc
import os
import signal
import threading
import time


def sing(promoted, trio):
    """Raises where something that children need is wrong.  TRIO may be None."""
    seen = []
    thread = threading.Thread(target=seen.append, args=(1,))
    thread.start()
    thread.join()
    if seen != [1]:
        raise RuntimeError("a thread did not run")
    if trio is not None:
        _try_trio(trio)
    gc.collect()
    if promoted:
        _try_signals()


def _try_trio(trio):
    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 0.001)
            return await trio.to_thread.run_sync(lambda: 2)

    if trio.run(main) != 2:
        raise RuntimeError("trio's worker thread did not answer")


def _try_signals():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        return
    raise RuntimeError("SIGINT raised no KeyboardInterrupt")
