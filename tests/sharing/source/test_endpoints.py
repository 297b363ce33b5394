"""The catalogue of calls is what the client really uses, and the page about it says the same."""

import re

import pytest
from django.conf import settings

from sharing.source import endpoints
from tests.sharing.source.fake_trainingpeaks import ROUTES

PAGE = settings.BASE_DIR / "docs" / "trainingpeaks-endpoints.md"


def rows(heading):
    """The cells of the table under a heading."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")
    lines = [line for line in rest.split("\n## ")[0].splitlines() if line.startswith("|")][2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_lists_every_call_with_its_scope_and_purpose():
    listed = [(name, call, scope, purpose) for name, call, scope, purpose, *_ in rows("Calls")]
    expected = [
        (e.name, f"{e.method} {e.path}", e.scope or "none", e.purpose) for e in endpoints.CATALOGUE
    ]
    assert listed[: len(expected)] == expected


def test_the_page_lists_every_scope_and_whether_it_writes():
    listed = {scope: writes for scope, writes, *_ in rows("Scopes")}
    expected = {
        scope: "yes" if any(e.writes for e in endpoints.CATALOGUE if e.scope == scope) else "no"
        for scope in endpoints.SCOPES
    }
    assert listed == expected


def test_the_scopes_we_ask_for_are_the_scopes_we_use():
    assert set(settings.TRAININGPEAKS_SCOPES) == set(endpoints.SCOPES)


def test_nothing_writes_workouts():
    writing = [e.path for e in endpoints.CATALOGUE if e.writes]
    assert all(path.startswith("/v1/webhook/") for path in writing)


@pytest.mark.parametrize("endpoint", endpoints.CATALOGUE, ids=lambda e: e.name)
def test_the_fake_in_the_tests_knows_every_call(endpoint):
    method, pattern = ROUTES[endpoint.name]
    places = {"start": "2026-03-02", "end": "2026-03-08"}
    path = re.sub(r"\{(\w+)\}", lambda m: places.get(m[1], "7"), endpoint.path)
    assert (endpoint.method, bool(re.fullmatch(pattern, path))) == (method, True)


def test_only_the_client_speaks_http():
    """One place knows how to call TrainingPeaks; the rest of the engine asks it."""
    speaks = re.compile(r"^\s*(import|from) (requests|urllib3|httpx|http\.client)\b", re.MULTILINE)
    importing = {
        path.relative_to(settings.BASE_DIR).as_posix()
        for path in (settings.BASE_DIR / "sharing").rglob("*.py")
        if speaks.search(path.read_text(encoding="utf-8"))
    }
    assert importing == {"sharing/source/http.py"}
