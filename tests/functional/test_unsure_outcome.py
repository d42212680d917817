"""Whoever sent something while the database fell silent is not told that nothing was changed."""

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError


@pytest.mark.parametrize(
    ("method", "is_broken", "words"),
    [
        ("POST", True, "may not be saved"),
        ("POST", False, "Nothing was changed."),
        ("GET", True, "Nothing was changed."),
    ],
)
def test_it_says_what_is_known(app: Flask, method: str, is_broken: bool, words: str) -> None:
    silent = OperationalError("", {}, Exception(), connection_invalidated=is_broken)
    with app.test_request_context("/medications", method=method):
        answer = app.make_response(app.handle_user_exception(silent))
    assert answer.status_code == 503
    assert words in answer.get_data(as_text=True)
    assert answer.headers["Retry-After"] == "5"
