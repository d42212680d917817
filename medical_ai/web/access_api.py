"""A patient's own access log over the API."""

from flask import Blueprint, Response, render_template

from medical_ai.auth.permissions import Permission
from medical_ai.core.api import api
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.schemas import Listing
from medical_ai.web.access_export import Readable, export_log
from medical_ai.web.access_log import AccessQuery, AccessRead, list_access

blueprint = Blueprint("access_api", __name__)


@blueprint.get("/records/access-log")
@api(
    permission=Permission.ACCESS_LOG_READ,
    query=AccessQuery,
    answers={200: Listing[AccessRead]},
    errors=[404],
)
def list_own(query: AccessQuery) -> Listing[AccessRead]:
    """List who did what with one's own record, the newest first."""
    return list_access(current_session(), actor=current_actor(), query=query)


@blueprint.get("/records/access-log/export")
@api(permission=Permission.ACCESS_LOG_READ, answers={200: None}, errors=[404])
def export_own() -> Response:
    """Return one's own access log as a zip archive with proofs and a program that checks them."""
    return zip_answer()


def zip_answer() -> Response:
    """Return the actor's own access log to be saved as a file."""
    archive = export_log(current_session(), actor=current_actor(), draw=_draw)
    headers = {"Content-Disposition": 'attachment; filename="access-log.zip"'}
    return Response(archive, 200, headers, mimetype="application/zip")


def _draw(readable: Readable) -> str:
    return render_template("web/access_export.html", log=readable)
