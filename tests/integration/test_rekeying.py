"""A new key for the ring: everything is sealed anew, and only then the old one may go."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from medical_ai.assistant import conversations
from medical_ai.audit import sealing
from medical_ai.audit.verification import verify
from medical_ai.auth.models import DeletionReceipt, ProviderSignIn, TotpFactor
from medical_ai.auth.purposes import ChallengePurpose
from medical_ai.auth.service import challenges
from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.crypto import DecryptionFailed, KeyRing, place
from medical_ai.core.database import Database
from medical_ai.core.ids import new_id
from medical_ai.core.rekeying import BATCH, renew_all
from medical_ai.jobs import service as jobs
from medical_ai.jobs.models import Job
from medical_ai.jobs.sealed import open_values, seal_values
from medical_ai.ops.host import ring
from medical_ai.ops.host.secret_files import SecretFolder
from medical_ai.patients import details, directory
from medical_ai.patients.models import Patient
from medical_ai.patients.schemas import PatientsQuery
from tests.support.patients import WRITTEN, details_of, write_details
from tests.support.people import ALICES_CODE, Cast, create_patient_account

pytestmark = pytest.mark.commits
CODE = Path(__file__).resolve().parents[2] / "medical_ai"
SEALS_WITH_THE_RING = {
    "patients/service.py", "jobs/sealed.py", "auth/service/challenges.py", "auth/service/totp.py",
    "auth/service/deletion.py", "auth/service/provider_links.py", "assistant/conversations.py",
    "core/rekeying.py",
}  # fmt: skip
"""Every one of these has its part in `ring.STORES`, and in `everything_sealed` below."""
SEALS = re.compile(r"(keyring|ring|opened\.vault)\.seal(_text)?\(")


def test_no_other_module_seals_with_the_ring() -> None:
    found = {
        str(path.relative_to(CODE))
        for path in CODE.rglob("*.py")
        if SEALS.search(path.read_text(encoding="utf-8"))
    }
    assert found == SEALS_WITH_THE_RING


def changed_settings(settings: Settings, **changes: object) -> Settings:
    """Return other settings, without what was computed of these."""
    copy = settings.model_copy(update=changes)
    for name in ("ring_keys", "former_audit_keys"):
        copy.__dict__.pop(name, None)
    return copy


def with_new_key(settings: Settings) -> Settings:
    """Return settings with a new key before the others."""
    keys = f"{ring.new_key()},{settings.encryption_keys.get_secret_value()}"
    return changed_settings(settings, encryption_keys=SecretStr(keys))


def with_first_key(settings: Settings) -> Settings:
    """Return settings with the first key alone."""
    first = settings.encryption_keys.get_secret_value().partition(",")[0]
    return changed_settings(settings, encryption_keys=SecretStr(first))


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Open the same database with other settings."""
    database = Database(settings)
    yield database
    database.dispose()


@pytest.fixture
def sealed(database: Database, people: Cast) -> dict[str, UUID]:
    """Something in every store, sealed with the ring's only key."""
    user_id, ids = people.alice.user_id, {name: new_id() for name in ("receipt", "sign-in")}
    seal, now = database.keyring.seal, clock.now()
    with database.unit_of_work() as session:
        write_details(session, people.alice)
        ids["challenge"] = challenges.begin(
            session, purpose=ChallengePurpose.TOTP_ENROLMENT, content=b"begun", user_id=user_id
        )
        where = place("totp_factors", "secret_sealed", user_id)
        session.add(TotpFactor(user_id=user_id, secret_sealed=seal(b"otp", where), last_step=0))
        where = place("provider_sign_ins", "id_token_sealed", ids["sign-in"])
        token = seal(b"token", where)
        session.add(ProviderSignIn(id=ids["sign-in"], user_id=user_id, subject="s", email="e",
                                   id_token_sealed=token, expires_at=now))  # fmt: skip
        where = place("deletion_receipts", "email", ids["receipt"])
        session.add(DeletionReceipt(id=ids["receipt"], number="n", asked_at=now,
                                    email_sealed=seal(b"address", where)))  # fmt: skip
        payload = {"kind": "x"} | seal_values(database, email="erin@example.org")
        jobs.enqueue(session, kind="test.kind", payload=payload, idempotency_key="one")
        jobs.enqueue(session, kind="test.kind", payload={"id": "1"}, idempotency_key="two")
        talk = conversations.start_conversation(session, actor=people.bob.actor, patient_id=None)
        conversations.append_message(session, talk, author="user", content={"text": "aspirin?"})
        ids["talk"] = talk.row.id
    sealing.seal_all(database, sweep=True)
    return ids


def test_everything_is_sealed_anew_and_read_as_before(
    settings: Settings, people: Cast, sealed: dict[str, UUID]
) -> None:
    renewed = with_new_key(settings)
    before = ring.count_former(renewed)
    assert set(before) == {store.name for store in ring.STORES}
    changed = ring.reseal(renewed)
    assert changed == before
    assert ring.count_former(renewed) == {}
    assert set(ring.reseal(renewed).values()) == {0}
    with opened(with_first_key(renewed)) as alone:
        read_everything(alone, people, sealed)


def read_everything(database: Database, people: Cast, sealed: dict[str, UUID]) -> None:
    """Read what is in every store, as the service does where that is one call."""
    with database.unit_of_work() as session:
        assert details.get_own_details(session, actor=people.alice.actor) == details_of()
        asked = PatientsQuery(query=WRITTEN["name"].split()[0])
        listed, _ = directory.list_patients(session, actor=people.bob.actor, query=asked)
        assert [one.code for one in listed] == [ALICES_CODE]
        begun = challenges.find(
            session, purpose=ChallengePurpose.TOTP_ENROLMENT, challenge_id=sealed["challenge"]
        )
        assert begun is not None
        assert begun.content == b"begun"
        ring_now = database.keyring
        factor = session.scalars(select(TotpFactor)).one()
        where = place("totp_factors", "secret_sealed", factor.user_id)
        assert ring_now.open(factor.secret_sealed, where) == b"otp"
        sign_in = session.get_one(ProviderSignIn, sealed["sign-in"])
        where = place("provider_sign_ins", "id_token_sealed", sign_in.id)
        assert ring_now.open(sign_in.id_token_sealed, where) == b"token"
        receipt = session.get_one(DeletionReceipt, sealed["receipt"])
        assert ring_now.open_text(receipt.email_sealed or b"", "deletion_receipts", "email",
                                  receipt.id) == "address"  # fmt: skip
        job = session.scalars(select(Job).where(Job.idempotency_key == "one")).one()
        assert job.payload["kind"] == "x"
        assert open_values(database, job.payload) == {"email": "erin@example.org"}
        history = conversations.get_history(
            session, actor=people.bob.actor, session_id=sealed["talk"]
        )
        assert [message.text for message in history.messages] == ["aspirin?"]


def test_what_cannot_be_opened_stays_and_keeps_the_old_key(
    settings: Settings, database: Database, people: Cast
) -> None:
    with database.unit_of_work() as session:
        patient = session.scalars(select(Patient)).first()
        assert patient is not None
        assert patient.data_key_sealed is not None
        damaged = patient.data_key_sealed[:-1] + bytes([patient.data_key_sealed[-1] ^ 1])
        patient.data_key_sealed = damaged
    renewed = with_new_key(settings)
    ring.reseal(renewed)
    assert ring.count_former(renewed) == {"keys of records": 1}
    with database.reading() as session:
        assert damaged in session.scalars(select(Patient.data_key_sealed)).all()


def test_many_rows_come_in_batches_and_a_killed_run_goes_on(
    settings: Settings, database: Database, people: Cast
) -> None:
    with database.unit_of_work() as session:
        create_patient_account(session, "carla")
        template = session.scalars(select(Patient)).first()
        assert template is not None
        for number in range(BATCH + 3):
            row_id = new_id()
            where = place("patients", "data_key_sealed", row_id)
            session.add(Patient(
                id=row_id, hospital_id=template.hospital_id, code=f"T{number}",
                data_key_sealed=database.keyring.seal(bytes(32), where),
            ))  # fmt: skip
    keys = ring.STORES[0]
    with opened(with_new_key(settings)) as renewed:
        with renewed.reading() as session:
            total = keys.count_former(session)
        with renewed.unit_of_work() as session:
            assert keys.renew_batch(session, None).changed == BATCH  # and then it was killed
        assert renew_all(renewed, keys) == total - BATCH
        with renewed.reading() as session:
            assert keys.count_former(session) == 0


def test_the_former_key_leaves_the_ring_and_goes_on_verifying(
    settings: Settings, people: Cast, sealed: dict[str, UUID], tmp_path: Path
) -> None:
    folder = SecretFolder(tmp_path)
    old = settings.encryption_keys.get_secret_value()
    folder.write(ring.RING, old)
    assert ring.add_key(folder)
    assert not ring.add_key(folder)  # one after the other
    both = changed_settings(settings, encryption_keys=SecretStr(folder.read(ring.RING)))
    ring.reseal(both)
    kept = SecretFolder(tmp_path)
    assert ring.drop_former(folder, kept, both) == 1
    assert ring.drop_former(folder, kept, both) == 0
    assert kept.read(ring.FORMER) == old
    alone = with_first_key(both)
    assert folder.read(ring.RING) == alone.encryption_keys.get_secret_value()
    with opened(alone) as database:
        report = verify(database)
        assert "signature" in str(report.problem)
    former = folder.read(ring.FORMER_PUBLIC)
    with opened(changed_settings(alone, audit_former_keys=former)) as database:
        assert verify(database).problem is None
        with database.unit_of_work() as session:
            write_details(session, people.alice)
        assert sealing.seal_all(database, sweep=True)
        assert verify(database).problem is None


def test_a_public_half_alone_opens_and_signs_nothing(settings: Settings) -> None:
    old = base64.b64decode(settings.encryption_keys.get_secret_value())
    envelope = KeyRing([old]).seal(b"x", b"here")
    with pytest.raises(DecryptionFailed):
        KeyRing([base64.b64decode(ring.new_key())]).open(envelope, b"here")
