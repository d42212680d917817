"""Every table that knows a person says what becomes of it: in the export, and in a deletion.

A new table with a user, a patient or sealed text fails here until somebody has decided.
"""

from medical_ai.core.database import Base
from medical_ai.migrations import import_models
from medical_ai.tenancy.models import TenantOwned
from medical_ai.web.export import PARTS

NOT_EXPORTED = {
    "refresh_tokens": "secrets of sessions; the sessions themselves are exported",
    "one_time_tokens": "secrets of links that work once and not for long",
    "known_clients": "hashes of devices and networks, which say nothing to anybody",
    "auth_challenges": "something begun at sign-in, kept for minutes",
    "patient_search_terms": "hashes made from the details, which are exported",
    "permissions": "what the product knows of, about nobody",
    "role_permissions": "about a role of a hospital, and nobody in it",
    "staff_invitations": "an address that was invited to work; the membership is exported",
    "wards": "a ward of the hospital, about nobody",
    "ward_assignments": "about staff at work; the membership is exported",
    "throttle_windows": "hashes of addresses, kept for a day",
    "deletion_receipts": "is about nobody any more",
    "jobs": "ids of work to do, kept for a week",
    "worker_heartbeats": "is about a process",
    "hospitals": "is the tenant",
}
"""Tables that are in no part of the export, each with its reason."""

WHEN_DELETED = {
    "users": "emptied; the id stays for the audit log",
    "memberships": "deleted",
    "ward_assignments": "deleted with the membership",
    "token_families": "deleted",
    "refresh_tokens": "deleted with the session",
    "one_time_tokens": "deleted",
    "access_tokens": "deleted",
    "totp_factors": "deleted",
    "recovery_codes": "deleted",
    "passkeys": "deleted",
    "auth_challenges": "deleted",
    "known_clients": "deleted",
    "provider_sign_ins": "deleted",
    "staff_invitations": "deleted where they went to the person's address",
    "patient_details": "deleted",
    "patient_search_terms": "deleted",
    "break_glass_grants": "deleted with the record; closed where the person opened another's",
    "patients": "the key is destroyed; the id stays for the audit log",
    "care_relationships": "ended; ids alone stay",
    "ward_stays": "ended; ids alone stay",
    "caregivers": "deleted with the patient; ended where the account looks after somebody",
    "medications": "deleted",
    "medication_schedules": "deleted with the medicine",
    "doses": "deleted with the medicine",
    "dose_deliveries": "deleted with the dose",
    "conversations": "deleted",
    "chat_messages": "deleted with the conversation",
    "notices": "deleted",
    "audit_events": "stays: ids and tags alone, and the proof of who saw what",
    "deletion_receipts": "is what is left, and about nobody",
}
"""Tables that know a person, and what becomes of their rows when the person goes."""


def personal_tables() -> set[str]:
    """Return the tables that point at a person, or at a row that does, or hold sealed text."""
    import_models()
    tables = Base.metadata.tables
    found = {"users", "audit_events"}
    while True:
        more = {
            name
            for name, table in tables.items()
            if any(key.column.table.name in found for key in table.foreign_keys)
            or any(column.name.endswith("_sealed") for column in table.columns)
        }
        if more <= found:
            return found
        found |= more


def test_every_table_of_a_person_is_in_a_part_of_the_export_or_says_why_not() -> None:
    owned = {
        mapper.local_table.name
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, TenantOwned)
    }
    exported = {table for part in PARTS for table in part.tables}
    assert exported.isdisjoint(NOT_EXPORTED)
    assert exported | set(NOT_EXPORTED) >= personal_tables() | owned
    assert exported | set(NOT_EXPORTED) <= set(Base.metadata.tables)


def test_every_table_of_a_person_says_what_becomes_of_it_in_a_deletion() -> None:
    assert set(WHEN_DELETED) == personal_tables()
