"""The yardstick: a Flask application that answers a constant."""

from flask import Flask, Response

app = Flask(__name__)


@app.get("/constant")
def constant() -> Response:
    """Answer the same bytes every time."""
    return Response(b'{"status": "constant"}', mimetype="application/json")
