"""Finding a patient by name without opening every record: keyed hashes of words and beginnings.

What is stored are HMACs, under a key that comes of the key ring and of the hospital, so that a
copy of the database says no name, and equal names in two hospitals do not look alike. Whoever has
such a copy can still see which patients of one hospital share a word; see
`docs/adr/0015-a-blind-index-for-names.md`. Pure but for the table at the end.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from medical_ai.core.database import settings_of
from medical_ai.patients.models import Patient, PatientSearchTerm

SHORTEST, LONGEST = 2, 12
"""Letters of a word's beginning that it is found by; one of a single letter is found by that."""
MAX_WORDS = 8
TERM_DIGITS = 32
WORD = re.compile(r"[^\W_]+")
# Letters of their own that carry no accent which could be taken away.
SPELLED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe",
                         "ı": "i"})  # fmt: skip


def words_of(name: str) -> list[str]:
    """Return the words of a name as they are compared: no accents, no case, no marks between.

    José is jose, Weiß is weiss, O'Neill is o and neill; each word once.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return list(dict.fromkeys(WORD.findall(plain.translate(SPELLED))))[:MAX_WORDS]


def search_key(ring_key: bytes, hospital_id: UUID) -> bytes:
    """Return the key of one hospital's index, made from a key of the ring."""
    return hmac.digest(ring_key, b"patient search:" + hospital_id.bytes, hashlib.sha256)


def terms_of(key: bytes, name: str | None, birth_date: date | None) -> set[str]:
    """Return everything a patient is found by."""
    begun = {
        word[:length]
        for word in words_of(name or "")
        for length in range(min(SHORTEST, len(word)), min(LONGEST, len(word)) + 1)
    }
    terms = {_term(key, "name", text) for text in begun}
    return terms | ({_born(key, birth_date)} if birth_date else set())


def matches(
    session: Session, hospital_id: UUID, *, words: Sequence[str], birth_date: date | None
) -> list[ColumnElement[bool]]:
    """Return the conditions for patients whose name has all these beginnings of words.

    Each is asked for under every key of the ring: what was written under a former one is found.
    """
    keys = _keys(session, hospital_id)
    wanted = [[_term(key, "name", word[:LONGEST]) for key in keys] for word in words]
    if birth_date is not None:
        wanted.append([_born(key, birth_date) for key in keys])
    return [
        Patient.id.in_(
            select(PatientSearchTerm.patient_id).where(
                PatientSearchTerm.hospital_id == hospital_id, PatientSearchTerm.term.in_(terms)
            )
        )
        for terms in wanted
    ]


def replace_terms(
    session: Session,
    *,
    patient_id: UUID,
    hospital_id: UUID,
    name: str | None,
    birth_date: date | None,
) -> None:
    """Let a patient be found by this name and birth date, and by nothing else."""
    forget_terms(session, patient_id=patient_id)
    key = first_key(session, hospital_id)
    session.add_all(
        PatientSearchTerm(patient_id=patient_id, hospital_id=hospital_id, term=term)
        for term in sorted(terms_of(key, name, birth_date))
    )


def forget_terms(session: Session, *, patient_id: UUID) -> None:
    """Let a patient be found by nothing any more."""
    session.execute(delete(PatientSearchTerm).where(PatientSearchTerm.patient_id == patient_id))


def first_key(session: Session, hospital_id: UUID) -> bytes:
    """Return the key under which names of a hospital are indexed now."""
    return _keys(session, hospital_id)[0]


def _keys(session: Session, hospital_id: UUID) -> list[bytes]:
    return [search_key(key, hospital_id) for key in settings_of(session).ring_keys]


def _born(key: bytes, birth_date: date) -> str:
    return _term(key, "born", birth_date.isoformat())


def _term(key: bytes, kind: str, text: str) -> str:
    return hmac.digest(key, f"{kind}:{text}".encode(), hashlib.sha256).hex()[:TERM_DIGITS]
