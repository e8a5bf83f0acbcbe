"""For the programs that tractor's tests start: our backend there, too, as soon
as one of them imports tractor."""

import importlib.abc
import importlib.util
import sys


class Installer(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "tractor":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                import forkserverd.tractor

                forkserverd.tractor.install()

            spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Installer())
