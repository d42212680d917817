"""Second factors beneath the routes: used once by one of many, sealed, reset, forgotten."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import otp, service
from medical_ai.auth.models import (
    AuthChallenge,
    Membership,
    RecoveryCode,
    TokenFamily,
    TotpFactor,
)
from medical_ai.auth.purposes import ChallengePurpose
from medical_ai.auth.refusals import ProofRequired
from medical_ai.auth.schemas import SignIn
from medical_ai.auth.service import Client, challenges, factors, totp
from medical_ai.auth.service.recovery import accept_code
from medical_ai.auth.service.sign_in import find_half_way, finish_sign_in
from medical_ai.auth.service.totp import accept_totp
from medical_ai.bootstrap import create_app
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.config import Settings
from medical_ai.core.crypto import DecryptionFailed, place
from medical_ai.core.database import Database
from medical_ai.core.errors import (
    Conflict,
    DomainError,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from medical_ai.notifications import service as notifications
from medical_ai.notifications.schemas import NoticeKind
from tests.support.people import PASSWORD, Cast, Person

BROWSER = Client("192.0.2.1", "Firefox")
TRIES = 8


def open_session(database: Database, person: Person) -> Actor:
    """Sign a person in by password and return who they are in that session."""
    with database.unit_of_work() as session:
        data = SignIn(email=person.email, password=PASSWORD)
        service.sign_in(session, data=data, client=BROWSER)
        newest = select(TokenFamily.id).where(TokenFamily.user_id == person.user_id)
        family = session.scalar(newest.order_by(TokenFamily.id.desc()).limit(1))
    return replace(person.actor, family_id=family)


def enrol(database: Database, person: Person) -> tuple[Actor, str, list[str]]:
    """Set up an app for a person; return their session, the secret and the recovery codes."""
    actor = open_session(database, person)
    with database.unit_of_work() as session:
        secret = totp.begin_totp(session, actor=actor, email=person.email).secret
        code = otp.code_at(secret, otp.step_of(clock.now()) - 1)
        codes = factors.add_totp(session, actor=actor, code=code)
    return actor, secret, codes


def in_parallel(database: Database, attempt: Callable[[Session], object]) -> list[object]:
    """Try the same at the same moment in several threads; return what each got."""
    start, found = Barrier(TRIES), []

    def run() -> None:
        start.wait()
        try:
            with database.unit_of_work() as session:
                found.append(attempt(session))
        except DomainError as error:
            found.append(error)

    threads = [Thread(target=run) for _ in range(TRIES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == TRIES
    return found


@pytest.mark.commits
def test_of_parallel_tries_with_one_code_one_wins(database: Database, alice: Person) -> None:
    _, secret, codes = enrol(database, alice)
    code = otp.code_at(secret, otp.step_of(clock.now()))
    won = in_parallel(database, lambda session: accept_totp(session, alice.user_id, code))
    assert won.count(True) == 1
    won = in_parallel(database, lambda session: accept_code(session, alice.user_id, codes[0]))
    assert won.count(True) == 1


@pytest.mark.commits
@pytest.mark.settings(ratelimit_enabled=True)
def test_of_parallel_second_steps_one_opens_a_session(database: Database, alice: Person) -> None:
    _, _, codes = enrol(database, alice)
    with database.unit_of_work() as session:
        data = SignIn(email=alice.email, password=PASSWORD)
        attempt = service.begin_sign_in(session, data=data, client=BROWSER)
    assert isinstance(attempt, UUID)
    left = iter(codes)
    found = in_parallel(
        database,
        lambda session: finish_sign_in(
            session, attempt_id=attempt, code=next(left), client=BROWSER
        ),
    )
    assert sum(not isinstance(one, DomainError) for one in found) == 1


def test_secrets_are_sealed_for_their_account_and_codes_are_hashed(
    database: Database, alice: Person, bob: Person
) -> None:
    _, secret, codes = enrol(database, alice)
    with database.reading() as session:
        sealed = session.get_one(TotpFactor, alice.user_id).secret_sealed
        hashes = set(session.scalars(select(RecoveryCode.code_hash)))
        begun = session.scalar(select(AuthChallenge.content_sealed))
    assert secret.encode() not in sealed
    assert secret.encode() not in (begun or b"")
    assert not hashes & {otp.plain(code) for code in codes}
    with pytest.raises(DecryptionFailed):
        database.keyring.open(sealed, place("totp_factors", "secret_sealed", bob.user_id))


def test_a_second_app_is_refused_while_there_is_one(database: Database, alice: Person) -> None:
    actor, _, _ = enrol(database, alice)
    with pytest.raises(Conflict), database.unit_of_work() as session:
        totp.begin_totp(session, actor=actor, email=alice.email)


def test_the_session_that_enrolled_counts_as_proved_by_both(
    database: Database, alice: Person
) -> None:
    actor, _, _ = enrol(database, alice)
    with database.reading() as session:
        family = session.get_one(TokenFamily, actor.family_id)
        assert family.factors == "password+totp"
        assert service.is_recent(session, actor=actor)
        assert not service.is_recent(session, actor=replace(actor, family_id=uuid4()))


def test_a_proof_is_old_after_ten_minutes(database: Database, alice: Person) -> None:
    actor = open_session(database, alice)
    with database.reading() as session:
        service.require_recent(session, actor=actor)
        with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
            with pytest.raises(ProofRequired):
                service.require_recent(session, actor=actor)
            assert service.is_recent(session, actor=actor, minutes=20)


def test_a_changed_password_ends_what_is_half_way(database: Database, alice: Person) -> None:
    _, _, codes = enrol(database, alice)
    with database.unit_of_work() as session:
        data = SignIn(email=alice.email, password=PASSWORD)
        attempt = service.begin_sign_in(session, data=data, client=BROWSER)
    assert isinstance(attempt, UUID)
    with database.unit_of_work() as session:
        assert service.set_demo_password(session, email=alice.email, password=PASSWORD[::-1])
    with pytest.raises(Unauthenticated), database.unit_of_work() as session:
        finish_sign_in(session, attempt_id=attempt, code=codes[0], client=BROWSER)


def test_a_used_recovery_code_is_told_and_few_are_told_differently(
    database: Database, alice: Person
) -> None:
    _, _, codes = enrol(database, alice)
    for code in codes[:7]:
        with database.unit_of_work() as session:
            data = SignIn(email=alice.email, password=PASSWORD, otp=code)
            service.sign_in(session, data=data, client=BROWSER)
    with database.reading() as session:
        kinds = [one.kind for one in notifications.list_notices(session, actor=alice.actor)]
        tags = list(session.scalars(select(AuditEvent.tag)))
    assert kinds.count(NoticeKind.RECOVERY_CODE_USED) == 6
    assert kinds.count(NoticeKind.RECOVERY_CODES_FEW) == 1
    assert tags.count(AuditTag.RECOVERY_CODE_USED.value) == 7


def test_removing_the_last_factor_takes_the_recovery_codes_along(
    database: Database, alice: Person
) -> None:
    actor, _, _ = enrol(database, alice)
    with database.unit_of_work() as session:
        factors.remove_totp(session, actor=actor)
        assert session.scalar(select(func.count(RecoveryCode.id))) == 0


def place_of(session: Session, person: Person) -> UUID:
    """Return somebody's membership of their hospital."""
    return session.scalars(select(Membership.id).where(Membership.user_id == person.user_id)).one()


def test_an_administrator_resets_a_colleague_and_ends_their_sessions(
    database: Database, dana: Person, bob: Person
) -> None:
    actor, _, _ = enrol(database, bob)
    with database.unit_of_work() as session:
        service.reset_second_factor(session, actor=dana.actor, membership_id=place_of(session, bob))
    with database.reading() as session:
        assert not factors.needs_second_factor(session, bob.user_id)
        assert session.get_one(TokenFamily, actor.family_id).revoked_at is not None
        notices = notifications.list_notices(session, actor=bob.actor)
        assert NoticeKind.SECOND_FACTOR_RESET in {one.kind for one in notices}
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.tag == AuditTag.SECOND_FACTOR_RESET.value)
        ).one()
        assert (event.actor_user_id, event.subject_id) == (dana.user_id, bob.user_id)


def test_nobody_else_resets_a_second_factor(database: Database, people: Cast) -> None:
    enrol(database, people.bob)
    with database.unit_of_work() as session:
        bobs = place_of(session, people.bob)
        for who in (people.alice, people.bob, people.nina, people.bill, people.charlie):
            with pytest.raises(PermissionDenied):
                service.reset_second_factor(session, actor=who.actor, membership_id=bobs)
        dana = people.dana
        with pytest.raises(PermissionDenied):
            service.reset_second_factor(
                session, actor=dana.actor, membership_id=place_of(session, dana)
            )
        strangers = (place_of(session, people.charlie), place_of(session, people.alice), uuid4())
        for whom in strangers:
            with pytest.raises(NotFound):
                service.reset_second_factor(session, actor=dana.actor, membership_id=whom)
        assert factors.needs_second_factor(session, people.bob.user_id)


def test_the_operator_resets_anybodys_by_a_command(
    database: Database, alice: Person, settings: Settings
) -> None:
    actor, _, _ = enrol(database, alice)
    app = create_app(settings)
    with patch.dict(app.extensions, {"medical_ai.database": database}), app.app_context():
        runner = app.test_cli_runner()
        unknown = runner.invoke(args=["reset-second-factor", "nobody@example.org"])
        done = runner.invoke(args=["reset-second-factor", " Alice@Example.org"])
    assert (unknown.exit_code, done.exit_code) == (1, 0)
    with database.reading() as session:
        assert not factors.needs_second_factor(session, alice.user_id)
        assert session.get_one(TokenFamily, actor.family_id).revoked_at is not None


def test_a_challenge_is_good_for_its_purpose_alone_and_forgotten_later(
    database: Database,
) -> None:
    with database.unit_of_work() as session:
        made = challenges.begin(
            session, purpose=ChallengePurpose.PASSKEY_SIGN_IN, content=b"random"
        )
        assert find_half_way(session, attempt_id=made) is None
        found = challenges.find(
            session, purpose=ChallengePurpose.PASSKEY_SIGN_IN, challenge_id=made
        )
        assert found is not None
        assert challenges.use(session, found) == found
        assert challenges.use(session, found) is None
    with time_machine.travel(clock.now() + timedelta(days=2)):
        with database.unit_of_work() as session:
            service.delete_expired(session)
        with database.reading() as session:
            assert session.scalar(select(func.count(AuthChallenge.id))) == 0
