"""The endpoint that gives everything an account's owner can take along."""

from flask import Blueprint, Response

from medical_ai.audit import service as audit
from medical_ai.auth import service as auth
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.api import api
from medical_ai.core.http import (
    current_actor,
    current_database,
    current_session,
    release_session,
)
from medical_ai.patients import service as patients
from medical_ai.web.export import count_export, stream_export

blueprint = Blueprint("export_api", __name__)
ZIP = "application/zip"


@blueprint.get("/account/export")
@api(answers={200: None}, errors=[403])
def export_account() -> Response:
    """Return everything about one's account and record as a ZIP archive of JSON and a page.

    Wants a sign-in of the last ten minutes; three an hour are given out.
    """
    auth.require_recent(current_session(), actor=current_actor())
    return give_export(current_actor())


def give_export(actor: Actor) -> Response:
    """Count and note an export, and answer with the archive."""
    release_session()  # counting writes in a transaction of its own
    count_export(current_database(), actor=actor)
    session = current_session()
    record = patients.find_record_of_account(session, actor)
    audit.record_export(session, actor=actor, patient_id=record.id if record else None)
    name = f"medical-ai-assistant-{clock.now().date().isoformat()}.zip"
    response = Response(stream_export(current_database(), actor=actor), mimetype=ZIP)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
