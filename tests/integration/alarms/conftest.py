"""Two friends who look after Alice."""

import pytest

from medical_ai.core.database import Database
from tests.integration.alarms.telling import BOTH_ALARMS
from tests.integration.test_caregivers import let
from tests.support.people import Cast, Person, create_patient_account


@pytest.fixture
def friends(database: Database, people: Cast) -> tuple[Person, Person]:
    """Erin and Finn, who look after Alice and are told of everything."""
    with database.unit_of_work() as session:
        erin, finn = (create_patient_account(session, name) for name in ("erin", "finn"))
        for friend in (erin, finn):
            let(session, people.alice, friend, alarms=BOTH_ALARMS)
    return erin, finn


@pytest.fixture
def erin(friends: tuple[Person, Person]) -> Person:
    """The first of them."""
    return friends[0]
