"""Links by mail, through the real worker and a real mail server: confirm, reset, change."""

from datetime import timedelta
from uuid import UUID

import bcrypt
import pytest
import time_machine
from sqlalchemy import select, update

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import service
from medical_ai.auth.guesses import FREE_TRIES
from medical_ai.auth.models import KnownClient, OneTimeToken, TokenFamily, User
from medical_ai.auth.schemas import (
    EmailChange,
    PasswordChange,
    PasswordReset,
    ProfileUpdate,
    SignIn,
    SignUp,
    Tokens,
)
from medical_ai.auth.service import Client
from medical_ai.auth.service.sign_in import EmailUnverified
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.core.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from medical_ai.jobs.models import Job
from tests.support.jobs import letters, mailing, token_of, work
from tests.support.mail import MailSink
from tests.support.people import ALICES_ZONE, PASSWORD, Person, record_of

pytestmark = pytest.mark.commits

BROWSER = Client("192.0.2.1", "Firefox", "d" * 32)
CARLA = SignUp(email="carla@example.org", password=PASSWORD, timezone="Europe/Madrid")
NEW = "a lantern on the pier"  # pragma: allowlist secret - made up
RESET, CONFIRM = "Choose a new password", "Confirm your e-mail address"


@pytest.fixture
def settings(settings: Settings, mail: MailSink) -> Settings:
    """Settings with the mail server on loopback."""
    return mailing(settings, mail)


def sign_in(database: Database, email: str, password: str = PASSWORD) -> Tokens:
    """Sign in."""
    with database.unit_of_work() as session:
        data = SignIn(email=email, password=password)
        return service.sign_in(session, data=data, client=BROWSER)


def sign_up(database: Database, data: SignUp = CARLA) -> Tokens | None:
    """Sign up."""
    with database.unit_of_work() as session:
        return service.sign_up(session, data=data, client=BROWSER)


def forget(database: Database, email: str) -> None:
    """Ask for a link, and let it be sent."""
    with database.unit_of_work() as session:
        service.ask_for_reset(session, email=email, client=BROWSER)
    work(database)


def reset(database: Database, token: str, password: str = NEW) -> None:
    """Set a password by a link."""
    with database.unit_of_work() as session:
        data = PasswordReset(token=token, password=password)
        service.reset_password(session, data=data, client=BROWSER)


def reset_token(mail: MailSink, email: str) -> str:
    """Return the token of the latest link for a new password."""
    return token_of([text for subject, text in letters(mail, email) if subject == RESET][-1])


def subjects(mail: MailSink, to: str) -> list[str]:
    """Return the subjects of what somebody was sent."""
    return [subject for subject, _ in letters(mail, to)]


def actor_in(database: Database, person: Person) -> Actor:
    """Sign a person in and return them with their session."""
    known = {one.id for one in families_of(database, person.user_id)}
    sign_in(database, person.email)
    family = next(one for one in families_of(database, person.user_id) if one.id not in known)
    actor = person.actor
    return Actor(
        actor.user_id, actor.tenant_id, actor.role, actor.permissions, actor.username, "web",
        family.id,
    )  # fmt: skip


def families_of(database: Database, user_id: UUID) -> list[TokenFamily]:
    """Return the live sessions of an account."""
    with database.reading() as session:
        live = (TokenFamily.user_id == user_id, TokenFamily.revoked_at.is_(None))
        return list(session.scalars(select(TokenFamily).where(*live)))


def user_of(database: Database, email: str) -> User | None:
    """Return an account."""
    with database.reading() as session:
        return service.find_user(session, email)


def tags(database: Database) -> set[str]:
    """Return what stands in the audit log."""
    with database.reading() as session:
        return set(session.scalars(select(AuditEvent.tag)))


def test_a_new_account_is_asked_to_confirm_its_address(database: Database, mail: MailSink) -> None:
    granted = sign_up(database)
    assert granted is not None
    assert granted.user.email_verified is False
    work(database)
    ((subject, text),) = letters(mail, CARLA.email)
    assert subject == CONFIRM
    with database.unit_of_work() as session:
        service.verify_email(session, token=token_of(text))
    found = user_of(database, CARLA.email)
    assert found is not None
    assert found.email_verified_at is not None
    assert AuditTag.ACCOUNT_EMAIL_VERIFIED.value in tags(database)
    with pytest.raises(NotFound), database.unit_of_work() as session:
        service.verify_email(session, token=token_of(text))


@pytest.mark.settings(email_verification="off")
def test_where_it_is_off_no_mail_goes_out(database: Database, mail: MailSink) -> None:
    assert sign_up(database) is not None
    work(database)
    assert mail.taken == []


@pytest.mark.settings(email_verification="required")
def test_where_it_is_required_a_fresh_and_a_taken_address_differ_in_mail_alone(
    database: Database, mail: MailSink, alice: Person
) -> None:
    assert sign_up(database) is None
    assert sign_up(database, CARLA.model_copy(update={"email": alice.email})) is None
    assert user_of(database, CARLA.email) is None  # not before the worker
    work(database)
    assert subjects(mail, CARLA.email) == [CONFIRM]
    assert subjects(mail, alice.email) == ["You have an account already"]
    assert sign_in(database, alice.email)  # her password is what it was
    with database.reading() as session:
        kept = str([(job.kind, job.payload) for job in session.scalars(select(Job))])
    for secret in (CARLA.email, alice.email, "argon2"):
        assert secret not in kept


@pytest.mark.settings(email_verification="required")
def test_where_it_is_required_the_right_password_alone_hears_of_it_and_gets_the_link_again(
    database: Database, mail: MailSink
) -> None:
    sign_up(database)
    work(database)
    with pytest.raises(Unauthenticated):
        sign_in(database, CARLA.email, "wrong")
    with pytest.raises(EmailUnverified) as refusal:
        sign_in(database, CARLA.email)
    assert (refusal.value.status, refusal.value.slug) == (403, "email-unverified")
    work(database)
    first, again = (token_of(text) for _, text in letters(mail, CARLA.email))
    assert first == again
    with database.unit_of_work() as session:
        service.verify_email(session, token=first)
    assert sign_in(database, CARLA.email).user.email_verified


def test_a_forgotten_password_is_chosen_anew_by_mail(
    database: Database, mail: MailSink, alice: Person
) -> None:
    sign_in(database, alice.email)
    forget(database, alice.email)
    reset(database, reset_token(mail, alice.email))
    assert families_of(database, alice.user_id) == []
    with pytest.raises(Unauthenticated):
        sign_in(database, alice.email)
    assert sign_in(database, alice.email, NEW).user.email_verified
    work(database)
    assert subjects(mail, alice.email)[-1] == "Your password was changed"
    assert AuditTag.ACCOUNT_PASSWORD_RESET.value in tags(database)


def test_a_reset_link_works_once_and_not_for_long(
    database: Database, mail: MailSink, alice: Person
) -> None:
    forget(database, alice.email)
    token = reset_token(mail, alice.email)
    with time_machine.travel(clock.now() + timedelta(minutes=31)), pytest.raises(NotFound):
        reset(database, token)
    with pytest.raises(NotFound):
        reset(database, token[:-2] + ("AA" if token[-2:] != "AA" else "BB"))
    reset(database, token)
    with pytest.raises(NotFound):
        reset(database, token, "another lantern at sea")
    with database.reading() as session:
        rows = session.scalars(select(OneTimeToken)).all()
        assert all(token not in str(vars(row)) for row in rows)


def test_a_new_link_replaces_the_old_one_but_nobody_can_spoil_a_young_one(
    database: Database, mail: MailSink, alice: Person
) -> None:
    forget(database, alice.email)
    first = reset_token(mail, alice.email)
    forget(database, alice.email)
    assert reset_token(mail, alice.email) == first  # sent once more
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        forget(database, alice.email)
        second = reset_token(mail, alice.email)
        assert second != first
        with pytest.raises(NotFound):
            reset(database, first)
        reset(database, second)


@pytest.mark.settings(ratelimit_enabled=True, login_attempts_per_minute=100)
def test_a_mailbox_is_not_flooded_and_the_link_in_it_holds(
    database: Database, mail: MailSink, alice: Person
) -> None:
    for _ in range(6):
        forget(database, alice.email)
    assert subjects(mail, alice.email) == [RESET] * 3
    reset(database, reset_token(mail, alice.email))


def test_an_address_without_account_costs_the_same_and_gets_nothing(
    database: Database, mail: MailSink, alice: Person
) -> None:
    with database.unit_of_work() as session:
        for email in (alice.email, "nobody@example.org"):
            service.ask_for_reset(session, email=email, client=BROWSER)
    with database.reading() as session:
        jobs = session.scalars(select(Job)).all()
        assert [job.kind for job in jobs] == ["password.forgotten"] * 2
        assert "example.org" not in str([job.payload for job in jobs])
    work(database)
    assert subjects(mail, "nobody@example.org") == []
    assert subjects(mail, alice.email) == [RESET]


def test_who_signs_in_elsewhere_or_is_suspended_gets_no_password_by_mail(
    database: Database, mail: MailSink, alice: Person, bob: Person
) -> None:
    with database.unit_of_work() as session:
        session.get_one(User, alice.user_id).password_hash = ""
        session.get_one(User, bob.user_id).suspended_at = clock.now()
    forget(database, alice.email)
    forget(database, bob.email)
    assert mail.taken == []


def test_an_easy_password_does_not_use_the_link_up(
    database: Database, mail: MailSink, alice: Person
) -> None:
    forget(database, alice.email)
    token = reset_token(mail, alice.email)
    for easy in ("password1", alice.email):
        with pytest.raises(InvalidInput):
            reset(database, token, easy)
    reset(database, token)


@pytest.mark.settings(ratelimit_enabled=True, login_attempts_per_minute=100)
def test_the_link_is_the_owners_way_past_a_stranger_who_guesses(
    database: Database, mail: MailSink, alice: Person
) -> None:
    for _ in range(FREE_TRIES):
        with pytest.raises(Unauthenticated), database.unit_of_work() as session:
            service.sign_in(
                session,
                data=SignIn(email=alice.email, password="wrong"),
                client=Client("203.0.113.9", "curl"),
            )
    with pytest.raises(TooManyRequests):
        sign_in(database, alice.email)
    forget(database, alice.email)
    reset(database, reset_token(mail, alice.email))
    assert sign_in(database, alice.email, NEW)


def test_changing_the_password_ends_the_other_sessions_and_pending_links(
    database: Database, mail: MailSink, alice: Person
) -> None:
    forget(database, alice.email)
    sign_in(database, alice.email)
    actor = actor_in(database, alice)
    with pytest.raises(InvalidInput) as refusal, database.unit_of_work() as session:
        data = PasswordChange(current_password="wrong", new_password=NEW)
        service.change_password(session, actor=actor, data=data)
    assert [one.loc for one in refusal.value.fields] == ["current_password"]
    assert len(families_of(database, alice.user_id)) == 2
    with database.unit_of_work() as session:
        data = PasswordChange(current_password=PASSWORD, new_password=NEW)
        service.change_password(session, actor=actor, data=data)
    assert [one.id for one in families_of(database, alice.user_id)] == [actor.family_id]
    assert sign_in(database, alice.email, NEW)
    with pytest.raises(NotFound):
        reset(database, reset_token(mail, alice.email))
    work(database)
    assert subjects(mail, alice.email)[-1] == "Your password was changed"
    assert {AuditTag.ACCOUNT_PASSWORD_CHANGED, AuditTag.ACCOUNT_PASSWORD_REFUSED} <= tags(database)


@pytest.mark.settings(ratelimit_enabled=True)
def test_a_stolen_session_cannot_try_passwords_without_end(
    database: Database, alice: Person
) -> None:
    actor = actor_in(database, alice)
    data = PasswordChange(current_password="wrong", new_password=NEW)
    for _ in range(FREE_TRIES):
        with pytest.raises(InvalidInput), database.unit_of_work() as session:
            service.change_password(session, actor=actor, data=data)
    with pytest.raises(TooManyRequests), database.unit_of_work() as session:
        service.change_password(session, actor=actor, data=data)
    assert sign_in(database, alice.email)  # which is another matter


def test_an_address_changes_when_the_new_one_is_confirmed_and_the_old_one_is_told(
    database: Database, mail: MailSink, alice: Person, bob: Person
) -> None:
    sign_in(database, alice.email)
    actor = actor_in(database, alice)
    change = EmailChange(email="Alice@Example.net", password=PASSWORD)
    with pytest.raises(InvalidInput), database.unit_of_work() as session:
        wrong = change.model_copy(update={"password": "wrong"})
        service.change_email(session, actor=actor, data=wrong)
    with database.unit_of_work() as session:
        assert service.change_email(session, actor=actor, data=change)
    assert user_of(database, alice.email) is not None  # not yet
    work(database)
    assert subjects(mail, alice.email) == ["Somebody asked for another e-mail address"]
    token = token_of(letters(mail, "alice@example.net")[0][1])
    with pytest.raises(NotFound), database.unit_of_work() as session:
        service.confirm_email(session, actor=bob.actor, token=token)
    with database.unit_of_work() as session:
        service.confirm_email(session, actor=actor, token=token)
    assert user_of(database, alice.email) is None
    assert [one.id for one in families_of(database, alice.user_id)] == [actor.family_id]
    assert sign_in(database, "alice@example.net").user.email_verified


def test_whose_address_it_is_decides_when_it_is_confirmed(
    database: Database, mail: MailSink, alice: Person, bob: Person
) -> None:
    actor = actor_in(database, alice)
    with database.unit_of_work() as session:
        data = EmailChange(email=bob.email, password=PASSWORD)
        assert service.change_email(session, actor=actor, data=data)
    work(database)
    token = token_of(letters(mail, bob.email)[0][1])
    with pytest.raises(Conflict), database.unit_of_work() as session:
        service.confirm_email(session, actor=actor, token=token)


def test_changing_the_password_stops_a_change_of_address(
    database: Database, mail: MailSink, alice: Person
) -> None:
    actor = actor_in(database, alice)
    with database.unit_of_work() as session:
        data = EmailChange(email="thief@example.net", password=PASSWORD)
        service.change_email(session, actor=actor, data=data)
    work(database)
    with database.unit_of_work() as session:
        change = PasswordChange(current_password=PASSWORD, new_password=NEW)
        service.change_password(session, actor=actor, data=change)
    token = token_of(letters(mail, "thief@example.net")[0][1])
    with pytest.raises(NotFound), database.unit_of_work() as session:
        service.confirm_email(session, actor=actor, token=token)


@pytest.mark.settings(email_verification="offered")
def test_where_no_mail_is_sent_an_address_changes_at_once(
    database: Database, alice: Person, bob: Person
) -> None:
    actor = actor_in(database, alice)
    silent = Database(database.settings.model_copy(update={"smtp_host": ""}))
    try:
        with silent.unit_of_work() as session:
            data = EmailChange(email="alice@example.net", password=PASSWORD)
            assert service.change_email(session, actor=actor, data=data) is False
        with pytest.raises(Conflict), silent.unit_of_work() as session:
            taken = EmailChange(email=bob.email, password=PASSWORD)
            service.change_email(session, actor=actor, data=taken)
        with pytest.raises(Conflict), silent.unit_of_work() as session:
            service.ask_for_reset(session, email=alice.email, client=BROWSER)
    finally:
        silent.dispose()
    found = user_of(database, "alice@example.net")
    assert found is not None
    assert found.email_verified_at is None


def test_a_patients_day_follows_their_new_clock(database: Database, alice: Person) -> None:
    with database.unit_of_work() as session:
        data = ProfileUpdate(username="Alicia", timezone="America/New_York")
        account = service.LiveAccount(
            email=alice.email,
            timezone=ALICES_ZONE,
            role=alice.role,
            username="Alice",
            email_verified=False,
            hospital_id=alice.actor.tenant_id,
            permissions=alice.actor.permissions,
            hospitals=1,
            must_enrol=False,
        )
        changed = service.update_profile(session, actor=alice.actor, account=account, data=data)
        assert (changed.username, changed.timezone) == ("Alicia", "America/New_York")
    with database.reading() as session:
        record = record_of(session, alice)
    assert (record.home_zone, record.country) == ("America/New_York", "US")


def test_a_brought_hash_opens_the_account_once_and_is_replaced(
    database: Database, alice: Person
) -> None:
    brought = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    with database.unit_of_work() as session:
        session.execute(update(User).where(User.id == alice.user_id).values(password_hash=brought))
    with pytest.raises(Unauthenticated):
        sign_in(database, alice.email, "wrong")
    assert sign_in(database, alice.email)
    found = user_of(database, alice.email)
    assert found is not None
    assert found.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert sign_in(database, alice.email)


def test_what_an_account_knows_of_a_client_is_a_hash(database: Database, alice: Person) -> None:
    sign_in(database, alice.email)
    with database.reading() as session:
        marks = session.scalars(select(KnownClient.mark)).all()
    assert len(marks) == 3
    assert all(len(mark) == 64 for mark in marks)
