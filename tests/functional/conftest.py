"""The application over HTTP: on SQLite, and on both databases where a test asks for it."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from flask import Flask

from medical_ai.bootstrap import create_app
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from tests.support.http import Api, signed_in
from tests.support.people import Person
from tests.support.stores import Store


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    """SQLite, unless the test names another kind."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def database(
    stores: dict[str, Store], database_kind: str, settings: Settings
) -> Iterator[Database]:
    """A database whose rows are really committed, as the application's own are."""
    with stores[database_kind].committing(settings) as lent:
        yield lent


@pytest.fixture
def app(database: Database, settings: Settings) -> Iterator[Flask]:
    """The application, on the same database as the fixtures."""
    made = create_app(settings)
    yield made
    made.extensions["medical_ai.database"].dispose()


@pytest.fixture
def api(app: Flask) -> Api:
    """A client that nobody knows."""
    return Api(app)


@pytest.fixture
def api_of(app: Flask) -> Callable[[Person], Api]:
    """Make a client for a member of the cast; the same person gets the same one."""
    return cache(lambda person: signed_in(app, person))


@pytest.fixture
def alices(api_of: Callable[[Person], Api], alice: Person) -> Api:
    """Alice's client."""
    return api_of(alice)
