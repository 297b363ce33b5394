"""The stage of the fault tests: on SQLite, or on a private PostgreSQL where one is asked for."""

import os
from contextlib import ExitStack

import pytest

from tests.faults.servers import PrivatePostgres
from tests.faults.servers.stage import Stage
from tests.faults.servers.template import make
from tests.faults.small_run import small_run


@pytest.fixture
def run(tmp_path):
    """A small run that kept every promise, for a test to spoil."""
    return small_run(tmp_path)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A PostgreSQL that may be crashed. Without fsync: only the machine itself stays up."""
    if not PrivatePostgres.available():
        pytest.skip("!! PostgreSQL is not installed here: a crash of it was not tried !!")
    with PrivatePostgres(tmp_path_factory.mktemp("postgres"), fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def template(request, tmp_path_factory):
    """The studio on the kind of database of this run."""
    on_server = os.environ.get("DATABASE_URL", "").startswith("postgres")
    server = request.getfixturevalue("postgres") if on_server else None
    return make(tmp_path_factory.mktemp("studio"), server)


@pytest.fixture(scope="session")
def template_on_postgres(request, postgres, tmp_path_factory):
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return request.getfixturevalue("template")
    return make(tmp_path_factory.mktemp("studio"), postgres)


@pytest.fixture(scope="session")
def template_on_sqlite(request, tmp_path_factory):
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return request.getfixturevalue("template")
    return make(tmp_path_factory.mktemp("studio"), None)


@pytest.fixture
def opened(tmp_path_factory):
    """`opened(template, …)` sets a stage that is gone after the test."""
    with ExitStack() as stages:
        yield lambda template, **wishes: stages.enter_context(
            Stage(tmp_path_factory.mktemp("stage"), template, **wishes)
        )
