"""Fixtures for every test: settings, both databases, the cast, and a mail server.

Markers: `commits` gives a test a database whose rows are really committed (for threads, HTTP and
workers), where others run inside one transaction that is rolled back; `settings(name=value)`
changes settings for one test.
"""

import logging
import os
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.core.logging import configure_logging
from tests.support.mail import MailSink
from tests.support.mariadb import MariaDBServer
from tests.support.people import Cast, Person, create_cast
from tests.support.settings import forget_environment, make_settings
from tests.support.stores import Store, mariadb_settings, sqlite_settings

forget_environment()
configure_logging(make_settings(), process="tests")
logging.getLogger().handlers[:] = [logging.NullHandler()]  # pytest shows what a failing test logged


def pytest_configure(config: pytest.Config) -> None:
    """Say what the markers of this suite mean."""
    config.addinivalue_line("markers", "commits: rows are really committed, then cleared")
    config.addinivalue_line("markers", "settings(**values): other settings for this test")


@pytest.fixture(params=["sqlite", "mariadb"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Run the test once on each kind of database."""
    return str(request.param)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDBServer]:
    """A MariaDB server of this test process alone, started when first asked for."""
    with MariaDBServer() as server:
        yield server


@pytest.fixture(scope="session")
def stores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Store]]:
    """The migrated databases, made when first asked for."""
    made = _Stores(request, tmp_path_factory)
    yield made
    for store in made.values():
        store.database.dispose()


class _Stores(dict[str, Store]):
    def __init__(self, request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> None:
        super().__init__()
        self._request, self._folders = request, folders

    def __missing__(self, kind: str) -> Store:
        if kind == "sqlite":
            settings = sqlite_settings(self._folders.mktemp("sqlite"))
        else:
            server = self._request.getfixturevalue("mariadb_server")
            name = f"medical_ai_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
            settings = mariadb_settings(server, name)
        self[kind] = Store(settings)
        return self[kind]


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, stores: dict[str, Store], database_kind: str
) -> Settings:
    """The settings of the database under test, changed as the test's marker says."""
    changed = [mark.kwargs for mark in request.node.iter_markers("settings")]
    update = {name: value for kwargs in reversed(changed) for name, value in kwargs.items()}
    return stores[database_kind].settings.model_copy(update=update)


@pytest.fixture
def database(
    request: pytest.FixtureRequest,
    stores: dict[str, Store],
    database_kind: str,
    settings: Settings,
) -> Iterator[Database]:
    """An empty database with the real migrations' tables."""
    store = stores[database_kind]
    commits = request.node.get_closest_marker("commits") is not None
    with store.committing(settings) if commits else store.rolled_back(settings) as lent:
        yield lent


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """One writing session; nothing of it is left after the test."""
    with database.open_session(writes=True) as opened:
        yield opened


@pytest.fixture
def people(database: Database) -> Cast:
    """The whole cast in its two hospitals."""
    return create_cast(database)


@pytest.fixture
def alice(people: Cast) -> Person:
    """A patient; her record's code is NUGWI."""
    return people.alice


@pytest.fixture
def bob(people: Cast) -> Person:
    """Alice's doctor."""
    return people.bob


@pytest.fixture
def charlie(people: Cast) -> Person:
    """A doctor in another hospital."""
    return people.charlie


@pytest.fixture
def dana(people: Cast) -> Person:
    """The administrator of Alice's hospital."""
    return people.dana


@pytest.fixture
def nina(people: Cast) -> Person:
    """A nurse in Alice's hospital who does not look after her."""
    return people.nina


@pytest.fixture
def bill(people: Cast) -> Person:
    """Who writes the bills in Alice's hospital."""
    return people.bill


@pytest.fixture
def mail() -> Iterator[MailSink]:
    """A mail server on loopback."""
    sink = MailSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def plain_settings() -> Settings:
    """Settings for tests that need no database."""
    return make_settings()
