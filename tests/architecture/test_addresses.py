"""Every address of Baton is listed here with who may open it; a new one fails until it is."""

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

PUBLIC = {
    "live/": "says only whether the web process works",
    "ready/": "says only whether somebody does the work",
    "a/<str:token>/": "the athlete's own link is the key",
    "feeds/<uuid:feed_id>/<str:token>.ics": "the feed's address is the key",
    "hooks/trainingpeaks/<uuid:source_id>/<str:secret>/": "the hook's address is the key",
}
SIGNING_IN = "accounts/"


def addresses(patterns=None, prefix=""):
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, path)
        elif isinstance(entry, URLPattern):
            yield path, entry.callback


def own():
    return [
        (path, view)
        for path, view in addresses()
        if not path.startswith((SIGNING_IN, "back-office/"))
    ]


def is_api(path):
    return path.startswith("api/v1/")


@pytest.mark.parametrize(("path", "view"), own(), ids=[path for path, _ in own()])
def test_an_address_is_closed_unless_it_is_listed_as_public(path, view):
    open_to_all = getattr(view, "login_required", True) is False
    if is_api(path) or path == "api/schema/":
        return  # the framework asks for a token or a session: see the next test
    assert open_to_all == (path in PUBLIC)


@pytest.mark.parametrize(
    ("path", "view"),
    [entry for entry in own() if is_api(entry[0])],
    ids=[path for path, _ in own() if is_api(path)],
)
def test_an_api_view_names_what_reading_it_needs(path, view):
    assert getattr(view.cls, "read_permission", "")
    unsafe = set(view.cls.http_method_names) & {"post", "put", "patch", "delete"}
    writes = {name for name in unsafe if hasattr(view.cls, name)} | set(
        getattr(view, "actions", None) or {}
    ) & {"post", "put", "patch", "delete"}
    if writes:
        assert getattr(view.cls, "write_permission", "")
