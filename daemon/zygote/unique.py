"""What must differ between siblings: module `_forkserverd_unique`.

CPython's and the standard library's own fork hooks see to `random`; these have
none.
"""

import os
import sys


def reseed():
    if (run := sys.modules.get("trio._core._run")) is not None:
        run._r.seed()
    if (numpy_random := sys.modules.get("numpy.random")) is not None:
        numpy_random.seed()
    if (process := sys.modules.get("multiprocessing.process")) is not None:
        process.current_process().authkey = os.urandom(32)
