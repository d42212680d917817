"""Sessions end by the clock or by their owner, and a new device is told of."""

from datetime import timedelta
from uuid import UUID

import jwt
import pytest
import time_machine
from sqlalchemy import func, select

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import service
from medical_ai.auth.models import KnownClient, RefreshToken, TokenFamily
from medical_ai.auth.schemas import SignIn, Tokens
from medical_ai.auth.service import Client
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.errors import Unauthenticated
from medical_ai.notifications.models import Notice
from medical_ai.notifications.schemas import NoticeKind
from tests.support.people import PASSWORD, Person

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
HOME = Client("192.0.2.1", FIREFOX.format(145))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def sign_in(database: Database, person: Person, client: Client = HOME) -> Tokens:
    """Sign a person in."""
    with database.unit_of_work() as session:
        data = SignIn(email=person.email, password=PASSWORD)
        return service.sign_in(session, data=data, client=client)


def claims_of(token: str) -> dict[str, str]:
    """Read a token without checking it."""
    return jwt.decode(token, options={"verify_signature": False})


def family_of(granted: Tokens) -> UUID:
    """Return the session that a pair belongs to."""
    return UUID(claims_of(granted.access_token)["fam"])


def is_live(database: Database, granted: Tokens) -> bool:
    """Tell whether the guard would let the session in."""
    claims = claims_of(granted.access_token)
    with database.reading() as session:
        found = service.find_live_account(
            session, family_id=UUID(claims["fam"]), user_id=UUID(claims["sub"])
        )
    return found is not None


def rotate(database: Database, granted: Tokens, *, is_use: bool = True) -> Tokens:
    """Exchange a refresh token."""
    claims = claims_of(granted.refresh_token)
    with database.unit_of_work() as session:
        return service.rotate(
            session,
            family_id=UUID(claims["fam"]),
            jti=UUID(claims["jti"]),
            client=HOME,
            is_use=is_use,
        )


def ends_of(database: Database, granted: Tokens) -> list[str]:
    """Return why the log says that a session ended."""
    with database.reading() as session:
        events = session.scalars(
            select(AuditEvent).where(
                AuditEvent.tag == AuditTag.SESSION_EXPIRED.value,
                AuditEvent.subject_id == family_of(granted),
            )
        )
        return [event.details["because"] for event in events]


def because(database: Database, granted: Tokens) -> str:
    """Return why a session ended."""
    with database.reading() as session:
        return session.get_one(TokenFamily, family_of(granted)).revoked_because


@pytest.mark.parametrize(("who", "idle"), [("alice", 7 * DAY), ("bob", HOUR)])
def test_an_unused_session_ends(
    database: Database, request: pytest.FixtureRequest, who: str, idle: timedelta
) -> None:
    person = request.getfixturevalue(who)
    granted = sign_in(database, person)
    start = clock.now()
    with time_machine.travel(start + idle - timedelta(seconds=5), tick=False):
        assert is_live(database, granted)
    with time_machine.travel(start + idle, tick=False):
        assert not is_live(database, granted)
        with pytest.raises(Unauthenticated):
            rotate(database, granted)
    assert (because(database, granted), ends_of(database, granted)) == ("idle", ["idle"])


def test_a_session_in_use_ends_all_the_same_when_it_is_too_old(
    database: Database, bob: Person
) -> None:
    granted = sign_in(database, bob)
    start = clock.now()
    for minutes in range(30, 12 * 60, 30):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            granted = rotate(database, granted)
            assert is_live(database, granted)
    with time_machine.travel(start + 12 * HOUR, tick=False):
        assert not is_live(database, granted)
        with pytest.raises(Unauthenticated):
            rotate(database, granted)
    assert (because(database, granted), ends_of(database, granted)) == ("too old", ["too old"])


def test_what_a_page_asks_for_by_itself_keeps_no_session_alive(
    database: Database, bob: Person
) -> None:
    granted = sign_in(database, bob)
    start = clock.now()
    for minutes in range(10, 60, 10):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            granted = rotate(database, granted, is_use=False)
    with time_machine.travel(start + HOUR, tick=False):
        assert not is_live(database, granted)


def test_no_refresh_token_outlives_its_session(database: Database, bob: Person) -> None:
    granted = sign_in(database, bob)
    start = clock.now()
    for hours in range(1, 24):
        with time_machine.travel(start + hours * HOUR / 2, tick=False):
            granted = rotate(database, granted)
        with database.reading() as session:
            jti = UUID(claims_of(granted.refresh_token)["jti"])
            row = session.get_one(RefreshToken, jti)
            family = session.get_one(TokenFamily, row.family_id)
            assert row.expires_at == family.created_at + 12 * HOUR
        expiry = float(claims_of(granted.refresh_token)["exp"])
        assert abs(expiry - row.expires_at.timestamp()) <= 1


@pytest.mark.settings(refresh_token_seconds=600)
def test_the_life_of_a_refresh_token_stays_a_limit_of_its_own(
    database: Database, alice: Person
) -> None:
    granted = sign_in(database, alice)
    claims = claims_of(granted.refresh_token)
    assert int(claims["exp"]) - int(claims["iat"]) == 600


def test_the_worker_ends_what_is_past_its_time_and_says_why_once(
    database: Database, alice: Person, bob: Person
) -> None:
    staff, patient = sign_in(database, bob), sign_in(database, alice)
    start = clock.now()
    with time_machine.travel(start + 2 * HOUR, tick=False):
        for expected in (1, 0):
            with database.unit_of_work() as session:
                assert service.end_overdue(session) == expected
        assert is_live(database, patient)
    assert ends_of(database, staff) == ["idle"]
    assert ends_of(database, patient) == []
    with time_machine.travel(start + 31 * DAY, tick=False), database.unit_of_work() as session:
        assert service.end_overdue(session) == 1
    assert ends_of(database, patient) == ["too old"]


def test_of_many_uses_noted_at_once_the_first_one_writes(database: Database, alice: Person) -> None:
    family_id = family_of(sign_in(database, alice))
    with database.reading() as session:
        seen_at = session.get_one(TokenFamily, family_id).last_seen_at
    start = clock.now()
    for minutes, address in ((2, "198.51.100.7"), (3, "203.0.113.9")):
        moment = time_machine.travel(start + timedelta(minutes=minutes), tick=False)
        with moment, database.unit_of_work() as session:
            client = Client(address, HOME.user_agent)
            service.note_use(session, family_id=family_id, seen_at=seen_at, client=client)
    with database.reading() as session:
        family = session.get_one(TokenFamily, family_id)
        assert family.address == "198.51.100.7"
        assert family.last_seen_at - start < timedelta(minutes=2.5)


def test_a_session_that_has_ended_is_not_seen_again(database: Database, alice: Person) -> None:
    family_id = family_of(sign_in(database, alice))
    with database.unit_of_work() as session:
        seen_at = session.get_one(TokenFamily, family_id).last_seen_at
        service.revoke_families(session, user_id=alice.user_id, because="test")
        service.note_use(session, family_id=family_id, seen_at=seen_at, client=HOME)
    with database.reading() as session:
        assert session.get_one(TokenFamily, family_id).last_seen_at == seen_at


def notices_of(database: Database, person: Person) -> int:
    """Return how often a person was told of a new sign-in."""
    with database.reading() as session:
        kinds = session.scalars(select(Notice.kind).where(Notice.user_id == person.user_id))
        return sum(kind is NoticeKind.NEW_SIGN_IN for kind in kinds)


def test_the_owner_hears_of_a_new_device_and_of_a_new_network(
    database: Database, alice: Person
) -> None:
    told = []
    for client in (
        HOME,
        HOME,
        Client("192.0.2.200", FIREFOX.format(146)),  # the same network, and it updated itself
        Client("192.0.2.1", "curl/8.5.0"),
        Client("203.0.113.9", FIREFOX.format(145)),
        Client("203.0.113.9", "curl/8.5.0"),
        Client("", ""),
    ):
        sign_in(database, alice, client)
        told.append(notices_of(database, alice))
    assert told == [0, 0, 0, 1, 2, 2, 3]


def test_a_device_is_forgotten_after_half_a_year_without_it(
    database: Database, alice: Person
) -> None:
    sign_in(database, alice)
    with time_machine.travel(clock.now() + 100 * DAY):
        sign_in(database, alice, Client(HOME.address, "curl/8.5.0"))
    with time_machine.travel(clock.now() + 181 * DAY), database.unit_of_work() as session:
        service.delete_expired(session)
        assert session.scalar(select(func.count()).select_from(KnownClient)) == 2


def test_one_persons_devices_are_not_anothers(
    database: Database, alice: Person, bob: Person
) -> None:
    sign_in(database, alice)
    sign_in(database, bob, Client("203.0.113.9", "curl/8.5.0"))
    assert notices_of(database, bob) == 0
    sign_in(database, alice, Client("203.0.113.9", "curl/8.5.0"))
    assert notices_of(database, alice) == 1
