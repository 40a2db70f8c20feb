"""pytest plugin (`-p tests.servers`): the tests' own servers are up before Django's settings are read.

They keep their data in var/test, without waiting for the disk, so that a demo running in the same checkout
is neither used nor disturbed. Given DATABASE_URL and REDIS_URL are used as they are. Workers of pytest-xdist
inherit the addresses from the process that started them.
"""

import os
from collections.abc import Iterator

import pytest

from coding_review import localservers


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ["CODING_REVIEW_VAR"] = str(localservers.var_folder() / "test")
    # All processes sign in as the same few users from one address; the limits have tests that set them.
    os.environ |= {"API_RATE": "", "API_SIGN_IN_RATE": ""}
    localservers.leave_on_signals()
    try:
        localservers.ensure(durable=False)
    except localservers.LocalServersError as error:
        raise pytest.UsageError(str(error)) from error
    return (yield)
