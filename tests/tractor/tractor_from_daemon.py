"""A pytest plugin: the actors of tractor's own tests come from the daemon."""

import forkserverd.tractor


def pytest_configure(config):
    forkserverd.tractor.install()
