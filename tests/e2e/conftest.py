"""What every end-to-end test may ask for: the server, and pgmoat in front of it.

One PostgreSQL serves the whole run. A pgmoat with the same settings is shared by a module; a test
that ends one or counts on its own settings starts its own.
"""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

from pg import Pgmoat, Postgres  # noqa: E402
from wire import Conn  # noqa: E402

OPEN = {"function_call": "allow", "replication": "allow"}


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: longer than a few seconds")


@pytest.fixture(scope="session")
def postgres():
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def conn(moat):
    """A session through the module's own `moat`."""
    with Conn(moat.port) as conn:
        yield conn


@pytest.fixture(scope="module", params=["direct", "monitor", "enforce"])
def route(request, postgres):
    """The port to talk to: PostgreSQL itself, or pgmoat before it with everything allowed."""
    if request.param == "direct":
        yield postgres.port
        return
    with Pgmoat(postgres.port, mode=request.param, protocol=OPEN) as moat:
        yield moat.port
