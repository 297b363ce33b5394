"""A real Chromium in front of the real pages. Where there is none, the tests say so."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests.pages.conftest import cara, dan, journal, world

__all__ = ["cara", "dan", "journal", "world"]  # the studio of tests/pages

CHROMIUM = os.environ.get("BATON_CHROMIUM", "/usr/bin/chromium")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _django_beside_an_event_loop():
    """Playwright's loop runs in this thread; the tests' own queries are plain and blocking."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        own = driver.chromium.executable_path
        path = next((p for p in (CHROMIUM, own) if Path(p).exists()), None)
        if path is None:
            pytest.skip("NO CHROMIUM: the browser tests did not run. Install /usr/bin/chromium.")
        browser = driver.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def surf(chromium, live_server):
    """Open pages as somebody: `surf(user, width=360, scheme="dark")`."""
    contexts = []

    def open_for(user=None, *, width=1280, scheme="light", height=800):
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        contexts.append(context)
        if user is not None:
            context.add_cookies([_session(user, live_server.url)])
        return _listening(context.new_page())

    yield open_for
    for context in contexts:
        context.close()


def _session(user, url):
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


def _listening(page):
    """Collect what the browser complains about: refused content, errors, missing files."""
    page.complaints = []
    page.on("console", lambda said: _note(page, said))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def _note(page, said):
    if said.type in {"error", "warning"}:
        page.complaints.append(said.text)
