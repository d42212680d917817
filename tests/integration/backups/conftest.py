"""An installation with a repository, for whatever is tried with backups."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from medical_ai.core.database import Database
from tests.support.backups import Site, make_repository, make_site
from tests.support.medicines import add_medicine
from tests.support.people import CANARY, Cast, create_cast


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty repository, copied for each test."""
    return make_repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def site(
    request: pytest.FixtureRequest, database_kind: str, repository: Path, tmp_path: Path
) -> Site:
    """An installation with an empty repository."""
    server = request.getfixturevalue("mariadb_server") if database_kind == "mariadb" else None
    return make_site(repository, tmp_path, server)


@pytest.fixture
def live(site: Site) -> Iterator[Database]:
    """The installation's database, as the application sees it."""
    database = Database(site.settings)
    yield database
    database.dispose()


@pytest.fixture
def cast(live: Database) -> Cast:
    """The cast, and Alice's medicine."""
    people = create_cast(live)
    with live.unit_of_work() as session:
        add_medicine(session, people.alice, ["13:00"], name=CANARY)
    return people
