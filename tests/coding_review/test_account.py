"""Signing in and out, theme and keys, the health address, the error pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from coding_review.models import AuditEvent, ReviewerProfile


@pytest.fixture(autouse=True)
def plain_static(settings) -> None:  # type: ignore[no-untyped-def]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def reader(db: None) -> User:
    return User.objects.create_user("reader", password="correct horse battery")


def test_sign_in_page_has_labels_and_no_navigation(client: Client, db: None) -> None:
    page = client.get(reverse("web:sign-in")).content.decode()
    assert '<label for="id_username">User name</label>' in page
    assert 'autocomplete="current-password"' in page
    assert 'aria-label="Main"' not in page
    assert '"historyCacheSize": 0' in page
    assert '"allowEval": false' in page


def test_wrong_password_says_what_to_do_and_signs_nobody_in(client: Client, reader: User) -> None:
    response = client.post(reverse("web:sign-in"), {"username": "reader", "password": "wrong"})
    assert response.status_code == 200
    assert "User name and password do not match." in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_sign_in_goes_to_next_only_on_this_site(client: Client, reader: User, settings) -> None:  # type: ignore[no-untyped-def]
    settings.LOGIN_REDIRECT_URL = "/start/"
    data = {"username": "reader", "password": "correct horse battery"}
    assert client.post(reverse("web:sign-in"), data | {"next": "/codes/"})["Location"] == "/codes/"
    client.logout()
    elsewhere = client.post(reverse("web:sign-in"), data | {"next": "//elsewhere.example/"})
    assert elsewhere["Location"] == "/start/"


@pytest.mark.parametrize(("who", "home"), [("coder", "web:worklist"), ("privacy_officer", "web:audit")])
def test_who_signs_in_begins_where_their_roles_let_them(client: Client, request, who: str, home: str) -> None:  # type: ignore[no-untyped-def]
    user = request.getfixturevalue(who)
    user.set_password("correct horse battery")
    user.save()
    data = {"username": user.username, "password": "correct horse battery", "next": "/"}
    assert client.post(reverse("web:sign-in"), data)["Location"] == reverse(home)
    # The button of the page that refuses something leads there too.
    assert client.get("/sign-in/")["Location"] == reverse(home)
    # Opened by its printed address, the worklist refuses whoever has none, and leads there as well.
    first = client.get("/", headers={"Referer": "http://testserver/"}).content.decode()
    refused = "<h1>Not allowed</h1>" in first
    assert refused is (home != "web:worklist")
    assert refused is (f'<a class="btn pri" href="{reverse(home)}">Go to the start</a>' in first)
    assert "Go back" not in first
    page = client.get(reverse(home))
    assert (page.status_code, f'class="brand" href="{reverse(home)}"' in page.content.decode()) == (200, True)


def test_fragment_request_of_an_ended_session_gets_401_not_a_form(client: Client, db: None) -> None:
    response = client.get(reverse("web:sign-in"), {"next": "/"}, headers={"HX-Request": "true"})
    assert (response.status_code, response.content) == (401, b"signed out")


def test_sign_out_is_post_only(client: Client, reader: User) -> None:
    client.force_login(reader)
    assert client.get(reverse("web:sign-out")).status_code == 405
    assert "_auth_user_id" in client.session
    assert client.post(reverse("web:sign-out"))["Location"] == reverse("web:sign-in")
    assert "_auth_user_id" not in client.session


def test_theme_is_a_cookie_that_the_server_renders(client: Client, db: None) -> None:
    back = reverse("web:sign-in")
    assert "data-theme" not in client.get(back).content.decode().split("<head>")[0]
    response = client.post(reverse("web:theme"), {"theme": "dark", "next": back})
    assert response["Location"] == back
    assert response.cookies["theme"]["httponly"] is True
    assert '<html lang="en" data-theme="dark">' in client.get(back).content.decode()
    refused = client.post(reverse("web:theme"), {"theme": '"><script>', "next": back})
    assert (refused.status_code, refused.cookies.get("theme")) == (400, None)
    away = client.post(reverse("web:theme"), {"theme": "light", "next": "https://elsewhere.example/"})
    assert away["Location"] == back


def test_keys_and_reading_first_are_kept_with_the_person_and_audited(client: Client, reader: User) -> None:
    client.force_login(reader)
    address = reverse("web:preference")
    assert client.post(address, {"single_keys": "off", "next": "/codes/"})["Location"] == "/codes/"
    assert client.post(address, {"read_first": "on"}).status_code == 302
    profile = ReviewerProfile.objects.get(user=reader)
    assert (profile.single_keys, profile.read_first) == (False, True)
    client.post(address, {"read_first": "on"})
    events = AuditEvent.objects.filter(type="preference.set").order_by("pk")
    assert [event.data for event in events] == [
        {"field": "single_keys", "value_after": False},
        {"field": "read_first", "value_after": True},
    ]
    assert 'data-shortcuts="off"' in client.get(reverse("codes:search")).content.decode()


def test_a_preference_that_is_none_changes_nothing(client: Client, reader: User) -> None:
    client.force_login(reader)
    address = reverse("web:preference")
    assert client.post(address, {"single_keys": "maybe"}).status_code == 400
    assert client.post(address, {"credential": "MD"}).status_code == 302
    client.logout()
    assert client.post(address, {"single_keys": "off"})["Location"].startswith(reverse("web:sign-in"))
    assert ReviewerProfile.objects.filter(user=reader).count() == 0
    assert AuditEvent.objects.filter(type="preference.set").count() == 0


def test_healthz_needs_no_sign_in_and_asks_the_database(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = client.get(reverse("web:healthz"))
    assert (response.status_code, response.content) == (200, b"ok\n")

    def refuse() -> None:
        raise OperationalError("could not connect")

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", refuse)
        response = client.get(reverse("web:healthz"))
    assert (response.status_code, response.content) == (503, b"database does not answer\n")


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500", "503"])
def test_error_pages_render_without_any_context(name: str) -> None:
    page = render_to_string(f"{name}.html", {"exception": "Marisol Quintero"})
    assert "Marisol" not in page
    assert f"(error {name[:3]})" in page
    assert f'<a class="btn" href="{"/sign-in/" if name == "403" else "/"}">' in page
