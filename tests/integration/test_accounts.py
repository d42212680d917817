"""Signing up, signing in, rotating refresh tokens and signing out."""

from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID

import jwt
import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import service
from medical_ai.auth.models import TokenFamily, User
from medical_ai.auth.schemas import SignIn, SignUp, Tokens
from medical_ai.auth.service import Client, Superseded
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import Database
from medical_ai.core.errors import Conflict, DomainError, Unauthenticated
from tests.support.people import PASSWORD, Person

BROWSER = Client("192.0.2.1", "Firefox")
THIEF = Client("203.0.113.9", "curl")
CARLA = SignUp(email="Carla@Example.org", password=PASSWORD, timezone="Europe/Madrid")


def claims_of(token: str) -> dict[str, str]:
    """Read a token without checking it."""
    return jwt.decode(token, options={"verify_signature": False})


def sign_in(database: Database, person: Person, client: Client = BROWSER) -> Tokens:
    """Sign a person in."""
    with database.unit_of_work() as session:
        data = SignIn(email=person.email, password=PASSWORD)
        return service.sign_in(session, data=data, client=client)


def rotate(database: Database, granted: Tokens, client: Client = BROWSER) -> Tokens:
    """Exchange a refresh token as the refresh endpoint does."""
    claims = claims_of(granted.refresh_token)
    with database.unit_of_work() as session:
        return service.rotate(
            session, family_id=UUID(claims["fam"]), jti=UUID(claims["jti"]), client=client
        )


def is_live(database: Database, granted: Tokens) -> bool:
    """Tell whether the session of these tokens still holds."""
    claims = claims_of(granted.access_token)
    with database.reading() as session:
        found = service.find_live_account(
            session, family_id=UUID(claims["fam"]), user_id=UUID(claims["sub"])
        )
    return found is not None


def tags_of(session: Session) -> list[str]:
    """Return what stands in the audit log."""
    return list(session.scalars(select(AuditEvent.tag).order_by(AuditEvent.id)))


def test_signing_up_makes_a_patient_with_a_record_of_their_own(session: Session) -> None:
    granted = service.sign_up(session, data=CARLA, client=BROWSER)

    assert granted.user.email == "carla@example.org"
    assert (granted.user.role, granted.user.timezone) == ("patient", "Europe/Madrid")
    assert claims_of(granted.access_token)["tenant"] == str(granted.user.hospital.id)
    assert AuditTag.PATIENT_CREATED.value in tags_of(session)


def test_the_same_address_in_other_capitals_is_the_same_account(session: Session) -> None:
    service.sign_up(session, data=CARLA, client=BROWSER)
    again = CARLA.model_copy(update={"email": "CARLA@example.ORG"})
    with pytest.raises(Conflict):
        service.sign_up(session, data=again, client=BROWSER)


def test_a_conflict_leaves_the_rest_of_the_transaction_usable(session: Session) -> None:
    service.sign_up(session, data=CARLA, client=BROWSER)
    with pytest.raises(Conflict):
        service.sign_up(session, data=CARLA, client=BROWSER)
    session.commit()
    assert service.find_user(session, "carla@example.org") is not None


def test_the_right_password_opens_a_session(database: Database, alice: Person) -> None:
    granted = sign_in(database, alice)
    assert claims_of(granted.access_token)["sub"] == str(alice.user_id)
    assert is_live(database, granted)


def test_a_wrong_password_and_an_unknown_account_sound_the_same(
    database: Database, session: Session, alice: Person
) -> None:
    answers = []
    for email in (alice.email, "nobody@example.org"):
        with pytest.raises(Unauthenticated) as refusal:
            service.sign_in(
                session, data=SignIn(email=email, password="not this one"), client=BROWSER
            )
        answers.append((refusal.value.detail, refusal.value.slug))
    assert answers[0] == answers[1]
    session.flush()
    assert tags_of(session).count(AuditTag.ACCOUNT_SIGN_IN_FAILED.value) == 2


def test_a_refused_sign_in_stays_in_the_audit_log(database: Database, alice: Person) -> None:
    with pytest.raises(Unauthenticated), database.unit_of_work() as session:
        service.sign_in(session, data=SignIn(email=alice.email, password="no"), client=BROWSER)
    with database.reading() as session:
        assert AuditTag.ACCOUNT_SIGN_IN_FAILED.value in tags_of(session)


def test_a_suspended_account_neither_signs_in_nor_stays_signed_in(
    database: Database, alice: Person
) -> None:
    granted = sign_in(database, alice)
    with database.unit_of_work() as session:
        session.get_one(User, alice.user_id).suspended_at = clock.now()
    assert not is_live(database, granted)
    with pytest.raises(Unauthenticated):
        sign_in(database, alice)


def test_each_rotation_gives_a_new_pair_of_the_same_session(
    database: Database, alice: Person
) -> None:
    first = sign_in(database, alice)
    second = rotate(database, first)
    third = rotate(database, second)
    tokens = {one.refresh_token for one in (first, second, third)}
    families = {claims_of(one)["fam"] for one in tokens}
    assert (len(tokens), len(families)) == (3, 1)


@pytest.mark.settings(refresh_grace_seconds=0)
def test_using_a_refresh_token_twice_ends_the_whole_session(
    database: Database, alice: Person
) -> None:
    stolen = sign_in(database, alice)
    newer = rotate(database, stolen)
    with pytest.raises(Unauthenticated):
        rotate(database, stolen)
    assert not is_live(database, newer)
    with pytest.raises(Unauthenticated):
        rotate(database, newer)


def test_another_client_gets_no_grace(database: Database, alice: Person) -> None:
    stolen = sign_in(database, alice)
    newer = rotate(database, stolen)
    with pytest.raises(Unauthenticated) as refusal:
        rotate(database, stolen, THIEF)
    assert not isinstance(refusal.value, Superseded)
    assert not is_live(database, newer)


def test_a_second_tab_is_refused_within_the_grace_and_the_session_lives(
    database: Database, alice: Person
) -> None:
    first = sign_in(database, alice)
    newer = rotate(database, first)
    with pytest.raises(Superseded):
        rotate(database, first)
    assert is_live(database, newer)
    assert rotate(database, newer).refresh_token


def test_the_grace_is_over_after_its_seconds(database: Database, alice: Person) -> None:
    first = sign_in(database, alice)
    newer = rotate(database, first)
    with time_machine.travel(clock.now() + timedelta(seconds=7)), pytest.raises(Unauthenticated):
        rotate(database, first)
    assert not is_live(database, newer)


def test_an_expired_refresh_token_is_not_exchanged(database: Database, alice: Person) -> None:
    granted = sign_in(database, alice)
    with time_machine.travel(clock.now() + timedelta(days=8)), pytest.raises(Unauthenticated):
        rotate(database, granted)


def test_signing_out_kills_access_and_refresh_at_once(database: Database, alice: Person) -> None:
    granted = sign_in(database, alice)
    claims = claims_of(granted.access_token)
    with database.unit_of_work() as session:
        service.sign_out(session, actor=_with_family(alice.actor, claims["fam"]))
    assert not is_live(database, granted)
    with pytest.raises(Unauthenticated):
        rotate(database, granted)


def test_signing_out_leaves_other_sessions_alone(database: Database, alice: Person) -> None:
    phone, laptop = sign_in(database, alice), sign_in(database, alice)
    with database.unit_of_work() as session:
        family = claims_of(phone.access_token)["fam"]
        service.sign_out(session, actor=_with_family(alice.actor, family))
    assert is_live(database, laptop)


@pytest.mark.commits
@pytest.mark.settings(database_pool_size=40, refresh_grace_seconds=30)
def test_of_32_parallel_refreshes_one_succeeds_and_the_session_lives(
    database: Database, alice: Person
) -> None:
    first = sign_in(database, alice)
    start, answers = Barrier(32), []

    def exchange() -> None:
        start.wait()
        try:
            answers.append(rotate(database, first))
        except DomainError as error:
            answers.append(error)

    threads = [Thread(target=exchange) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    won = [one for one in answers if isinstance(one, Tokens)]
    assert len(answers) == 32
    assert len(won) == 1
    assert sum(isinstance(one, Superseded) for one in answers) == 31
    assert is_live(database, won[0])
    with database.reading() as session:
        family = session.get_one(TokenFamily, UUID(claims_of(first.access_token)["fam"]))
        assert family.revoked_at is None


def _with_family(actor: Actor, family: str) -> Actor:
    return Actor(
        actor.user_id,
        actor.tenant_id,
        actor.role,
        actor.permissions,
        actor.username,
        actor.via,
        UUID(family),
    )
