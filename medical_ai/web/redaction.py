"""What each role sees of a record: the policy as a table, and a made-up record looked at by it."""

from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from medical_ai.auth.permissions import Permission
from medical_ai.core.pages import page
from medical_ai.patients.redaction import POLICY, Treatment, Viewer, redact, treatment_of
from medical_ai.patients.samples import SAMPLES

blueprint = Blueprint("redaction", __name__)

WORDS = {Treatment.SHOW: "Shown", Treatment.MASK: "Masked", Treatment.HIDE: "Hidden"}


@blueprint.get("/app/redaction")
@page(permission=Permission.STAFF_MANAGE)
def preview_page() -> ResponseReturnValue:
    """Show a made-up record as one role sees it, and the whole policy below."""
    viewer = next((one for one in Viewer if one.value == request.args.get("role")), Viewer.NURSE)
    return render_template(
        "web/redaction.html",
        viewer=viewer,
        viewers=list(Viewer),
        resources=[_seen(resource, viewer) for resource in POLICY],
        words=WORDS,
    )


def _seen(resource: str, viewer: Viewer) -> dict[str, Any]:
    sample = SAMPLES[resource]
    seen = redact(resource, sample, viewer).values
    rows = [
        {
            "field": field.replace("_", " "),
            "value": seen.get(field),
            "treatment": treatment_of(resource, field, viewer),
            "by_viewer": [(one, treatment_of(resource, field, one)) for one in Viewer],
        }
        for field in POLICY[resource]
    ]
    return {"name": resource, "rows": rows, "is_hidden": not seen}
