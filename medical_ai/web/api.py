"""The machine-readable description of the API."""

from flask import Blueprint, Response, current_app, json

from medical_ai.core.api import JSON_TYPE

blueprint = Blueprint("web_api", __name__)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI 3.1 document of this installation."""
    return Response(json.dumps(current_app.extensions["medical_ai.openapi"]), mimetype=JSON_TYPE)
