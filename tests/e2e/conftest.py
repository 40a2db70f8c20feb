"""A browser with the product's own server behind it; whatever the browser complains about fails the test."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.hospital import hospital, worker
from tests.faults.conftest import broker

__all__ = ["broker", "hospital", "worker"]

# The machine that runs all tests at once may be slow. Nothing here waits for time to pass, so that a generous limit
# costs nothing; Playwright's own for `expect` are five seconds.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)

# What Playwright says when it waited in vain. Such a test is run once more, and pytest's closing line counts it as a
# rerun; whatever else fails in a browser, and every other test, fails at once.
WAITED_IN_VAIN = (r"^TimeoutError: ", r"^AssertionError: (Locator|Page|Page URL|Page title) expected ")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=list(WAITED_IN_VAIN)))


# Playwright's event loop runs in the test's own thread, where Django would else refuse database work.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {
        "executable_path": os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    }


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"}


@pytest.fixture(autouse=True)
def plain_http(settings: Any) -> None:
    """The test server speaks http: cookies marked secure would not come back."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_COOKIES = False


SignIn = Callable[[User], None]


@pytest.fixture
def sign_in(context: BrowserContext, live_server: Any) -> SignIn:
    """Gives the browser a session of this user."""

    def enter(user: User) -> None:
        client = Client()
        client.force_login(user)
        value = client.cookies[django_settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": django_settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}]
        )

    return enter


# Answers that pages expect and handle; the browser logs them as errors all the same.
# htmx also logs every search that gives way to the next letter.
EXPECTED = (
    "status of 401",
    "Code 401",
    "status of 409",
    "status of 422",
    "htmx:afterRequest",
    "htmx:sendAbort",
)


class Quiet:
    """Knows whether the server still answers something: a closing page sends its last reports (keepalive), and
    the database must not be emptied under them."""

    def __init__(self) -> None:
        self.busy = 0
        self.lock = threading.Lock()

    def started(self, **_: Any) -> None:
        with self.lock:
            self.busy += 1

    def finished(self, **_: Any) -> None:
        with self.lock:
            self.busy -= 1

    def wait(self) -> None:
        calm, until = 0, time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < until:
            calm = calm + 1 if self.busy <= 0 else 0
            if calm == 8:
                return
            time.sleep(0.05)
        raise AssertionError("the server is still busy")


@pytest.fixture
def quiet() -> Iterator[Quiet]:
    watch = Quiet()
    request_started.connect(watch.started)
    request_finished.connect(watch.finished)
    yield watch
    request_started.disconnect(watch.started)
    request_finished.disconnect(watch.finished)


@pytest.fixture(autouse=True)
def complaints(request: pytest.FixtureRequest, quiet: Quiet) -> Iterator[list[str]]:
    """Script errors and refusals of the content security policy, of every page of the test."""
    found: list[str] = []
    if "page" not in request.fixturenames:
        yield found
        return
    # Asked for first, so that it ends last: the page must be silent before the database goes.
    request.getfixturevalue("live_server")
    page: Page = request.getfixturevalue("page")
    # Also of pages that a test opens beside it.
    page.context.set_default_timeout(PATIENCE_MS)

    def note(message: Any) -> None:
        if message.type in {"error", "warning"} and not any(words in message.text for words in EXPECTED):
            found.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    page.remove_listener("console", note)
    page.close()
    quiet.wait()
    assert found == []
