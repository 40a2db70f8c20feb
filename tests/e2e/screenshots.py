"""`make screenshots`: the pictures of the README, taken anew from a scratch database that is dropped again."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from coding_review import localservers
from tests.e2e.png import smaller

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "screenshots"
MOST_BYTES = 300_000
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coding_review.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    # Playwright's event loop runs in this thread, where Django would else refuse database work.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    localservers.leave_on_signals()
    try:
        localservers.ensure()
    except localservers.LocalServersError as error:
        localservers.leave(error)
    import django

    django.setup()
    with _scratch_database():
        _take_all()


@contextmanager
def _scratch_database() -> Iterator[None]:
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection, connections

    from coding_review.celery import app

    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = connection.settings_dict["TEST"][
        "NAME"
    ] = f"screenshots_{os.getpid()}"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    # The server below speaks http.
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_COOKIES = False
    # What is sent to the broker is for no worker: rows here are nobody else's rows.
    app.conf.broker_url = "memory://"
    kept = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        _say("Loading ICD-10-CM …")
        call_command("load_catalog", "icd10cm", stdout=sys.stderr)
        yield
    finally:
        with connection.cursor() as cursor:
            # Threads of the server that ended keep theirs.
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connections.close_all()
        connection.creation.destroy_test_db(kept, verbosity=0)


def _take_all() -> None:
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse
    from playwright.sync_api import Page, sync_playwright
    from pytest_django.live_server_helper import LiveServer

    from catalog.models import IndexEntry
    from tests.e2e.evaluation_stage import set_evaluation_stage
    from tests.e2e.gold_stage import set_gold_stage
    from tests.e2e.index_excerpt import load_excerpt
    from tests.e2e.learning_stage import set_learning_stage
    from tests.e2e.stage import set_stage

    _say("Setting the stage …")
    stage = set_stage()
    main_term = IndexEntry.objects.get(edition=load_excerpt(), depth=0, term="Diabetes, diabetic")
    server = LiveServer("localhost")
    review = reverse("web:review", args=[stage.stay.encounter_id, stage.stay.claim_type])

    def visit(page: Page, user: User | None, address: str, theme: str = "light") -> None:
        page.context.clear_cookies()
        cookies = {"theme": theme}
        if user is not None:
            client = Client()
            client.force_login(user)
            cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": name, "value": value, "url": server.url} for name, value in cookies.items()]
        )
        page.goto(server.url + address)
        page.wait_for_load_state("networkidle")

    def take(page: Page, name: str) -> None:
        page.evaluate("document.fonts.ready")
        path = TARGET / f"{name}.png"
        path.write_bytes(smaller(page.screenshot()))
        size = path.stat().st_size
        _say(f"{name}.png, {size // 1000} kB")
        if size > MOST_BYTES:
            raise SystemExit(f"{path.name} has more than {MOST_BYTES // 1000} kB.")

    TARGET.mkdir(parents=True, exist_ok=True)
    people, gold = stage.people, set_gold_stage(stage.people)
    coder, auditor = people["coder"], people["auditor"]
    with TemporaryDirectory() as folder:
        settings.EVALUATION_DIR = Path(folder)
        first, second = set_evaluation_stage(people["lead"])
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            page = browser.new_page(viewport=WIDE, reduced_motion="reduce", locale="en-US")
            visit(page, None, reverse("web:sign-in"))
            take(page, "sign-in")
            visit(page, coder, reverse("web:worklist"))
            take(page, "worklist")
            visit(page, coder, review)
            take(page, "review")
            visit(page, coder, review, "dark")
            take(page, "review-dark")
            visit(page, coder, f"{review}?panel=codes")
            take(page, "code-set")
            visit(page, coder, f"{review}?panel=findings")
            take(page, "findings")
            visit(page, coder, reverse("codes:code", args=["icd10cm", "E11.22"]))
            page.locator("#code-query").fill("t2dm w/ ckd")
            page.locator(".hits .code", has_text="E11.22").first.wait_for()
            page.wait_for_load_state("networkidle")
            take(page, "encoder")
            visit(page, coder, reverse("codes:search"))
            page.locator("#code-query").fill("intertrochanteric fracture of femur")
            page.locator(".hits .code", has_text="S72.14").first.wait_for()
            page.wait_for_load_state("networkidle")
            page.locator("details.hit-options summary").first.click()
            take(page, "seventh-character")
            visit(page, coder, reverse("codes:index-entry", args=["index", main_term.pk]))
            take(page, "index")
            visit(page, auditor, reverse("web:audit"))
            take(page, "audit")
            visit(page, people["expert"], reverse("web:gold-reading", args=[gold.reading.pk]))
            take(page, "gold-reading")
            chart = gold.adjudication.chart
            visit(
                page,
                people["adjudicator"],
                reverse("web:gold-adjudication", args=[chart.project_id, chart.pk]),
            )
            take(page, "gold-adjudication")
            visit(page, people["lead"], reverse("web:gold-project", args=[gold.project.pk]))
            page.locator(".figures").first.wait_for()
            take(page, "gold-agreement")
            visit(page, people["lead"], reverse("web:evaluation", args=[first.pk]))
            take(page, "evaluation")
            compare = reverse("web:evaluation-compare")
            visit(page, people["lead"], f"{compare}?a={first.pk}&b={second.pk}")
            take(page, "evaluation-compare")
            visit(page, people["lead"], reverse("web:evaluation-report", args=[first.pk]))
            page.locator("figure").first.scroll_into_view_if_needed()
            take(page, "evaluation-report")
            # Last: its decisions would fill the pages above.
            admin = people["admin"]
            with TemporaryDirectory() as folder:
                settings.EVALUATION_DIR = Path(folder)
                learning = set_learning_stage(people, Path(folder))
            visit(page, admin, reverse("web:synthesis", args=[learning.run.pk]))
            take(page, "synthesis-run")
            visit(page, admin, reverse("web:training", args=[learning.job.pk]))
            take(page, "training-job")
            visit(page, admin, reverse("web:model-version", args=[learning.candidate.pk]))
            take(page, "model-version")
            visit(page, admin, reverse("web:drift"))
            take(page, "drift")
            page.set_viewport_size(NARROW)
            visit(page, coder, review)
            take(page, "review-390")
            browser.close()
    finally:
        server.stop()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
