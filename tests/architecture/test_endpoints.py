"""Conventions of endpoints: in one access list, writers marked, readers that write nothing."""

import ast
import inspect
import textwrap
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from medical_ai.auth.doors import PUBLIC_ENDPOINTS, REFRESH_ENDPOINTS
from medical_ai.bootstrap import create_app
from tests.support.settings import make_settings

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
UNMARKED = {
    "auth_api.verify": "reads a token; it is POST so that no cache keeps the answer",
    "chat_api.send_message": "uses units of work of its own: question, tools, answer",
    "chat_api.send_message_older": "the same at an older address",
    "invitations.open_staff": "looks at an invitation; its secret belongs in no address",
    "assistant.ask": "the same for a page",
    "directory.search": "only looks; it is POST so that no name stands in an address",
    "leaving.export_account": "reads; it is POST for the password, and its note is kept apart",
}
"""Unsafe endpoints whose session only reads, each with its reason."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application; nothing here asks its database."""
    return create_app(make_settings(data_dir=tmp_path_factory.mktemp("data")))


def rules(app: Flask) -> Iterator[tuple[Rule, object]]:
    """Return every address with its view."""
    for rule in app.url_map.iter_rules():
        yield rule, app.view_functions[rule.endpoint]


def test_the_access_lists_name_endpoints_that_exist_and_none_twice(app: Flask) -> None:
    named = PUBLIC_ENDPOINTS | REFRESH_ENDPOINTS
    assert named.issubset(app.view_functions)
    assert PUBLIC_ENDPOINTS.isdisjoint(REFRESH_ENDPOINTS)


def test_every_endpoint_is_an_operation_or_a_page_or_plainly_public(app: Flask) -> None:
    for rule, view in rules(app):
        kinds = [hasattr(view, "operation"), getattr(view, "is_page", False)]
        assert sum(kinds) <= 1, rule.endpoint
        assert any(kinds) or rule.endpoint in PUBLIC_ENDPOINTS, rule.endpoint


def test_every_unsafe_view_is_a_writer_or_says_why_not(app: Flask) -> None:
    unsafe = {
        rule.endpoint
        for rule, view in rules(app)
        if (rule.methods or set()) & UNSAFE and not getattr(view, "writes", False)
    }
    assert unsafe == set(UNMARKED)


def test_no_view_that_reads_is_a_writer(app: Flask) -> None:
    for rule, view in rules(app):
        if not (rule.methods or set()) & UNSAFE:
            assert not getattr(view, "writes", False), rule.endpoint


def test_pages_live_under_app_and_the_api_does_not(app: Flask) -> None:
    front = {"/", "/login", "/signup", "/docs", "/favicon.ico"}
    for rule, view in rules(app):
        is_page = getattr(view, "is_page", False)
        assert is_page == (rule.rule.startswith("/app/") or (is_page and rule.rule in front))


def test_every_view_says_what_it_does_in_the_imperative(app: Flask) -> None:
    for rule, view in rules(app):
        if rule.endpoint.endswith("static"):
            continue
        first = (inspect.getdoc(view) or "").partition("\n")[0]
        assert first.endswith("."), rule.endpoint
        assert first[:1].isupper(), rule.endpoint


def test_no_view_commits_or_asks_for_a_user(app: Flask) -> None:
    for rule, view in rules(app):
        if rule.endpoint.endswith("static"):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(view))))
        calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert "commit" not in calls, rule.endpoint
        assert "user_id" not in rule.arguments, rule.endpoint
