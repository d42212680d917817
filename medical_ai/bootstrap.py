"""Putting the application together: the one module that knows every package."""

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_cors import CORS
from flask_talisman import Talisman
from werkzeug.middleware.proxy_fix import ProxyFix

from medical_ai.assistant import api as assistant_api
from medical_ai.assistant import conversations
from medical_ai.assistant import routes as assistant_routes
from medical_ai.audit import service as audit
from medical_ai.auth import (
    account_api,
    account_routes,
    deletion_api,
    factor_routes,
    invitation_routes,
    mfa_api,
    provider_routes,
    session_routes,
    sessions_api,
    staff_api,
    staff_routes,
    step_routes,
)
from medical_ai.auth import api as auth_api
from medical_ai.auth import routes as auth_routes
from medical_ai.auth import service as auth
from medical_ai.auth.cookies import cookie_name
from medical_ai.auth.doors import PUBLIC_ENDPOINTS
from medical_ai.auth.guards import install_guard
from medical_ai.auth.provider.client import install_provider
from medical_ai.core import events
from medical_ai.core.config import Settings, load_settings
from medical_ai.core.database import Database
from medical_ai.core.http import install_request_context
from medical_ai.core.logging import configure_logging
from medical_ai.core.metrics import install_metrics
from medical_ai.core.openapi import build_openapi
from medical_ai.core.problems import install_problems
from medical_ai.core.ratelimit import install_ratelimit
from medical_ai.core.settings_checks import check_settings
from medical_ai.medications import api as medications_api
from medical_ai.medications import patient_api as patient_medications_api
from medical_ai.medications import routes as medications_routes
from medical_ai.medications import service as medications
from medical_ai.notifications import service as notifications
from medical_ai.ops import api as ops_api
from medical_ai.ops.commands import register_commands
from medical_ai.ops.health import HealthProbe
from medical_ai.ops.microcache import MicroCache
from medical_ai.patients import api as patients_api
from medical_ai.patients import care_api, occupancy, team_api
from medical_ai.patients import routes as patients_routes
from medical_ai.patients import service as patients
from medical_ai.web import (
    access_api,
    access_pages,
    audit_pages,
    export_api,
    leaving,
    pages,
    redaction,
    wards,
    wards_api,
)
from medical_ai.web import api as web_api
from medical_ai.web import care as care_pages
from medical_ai.web import patients as directory_pages
from medical_ai.web import people as people_pages
from medical_ai.web import settings as settings_pages
from medical_ai.web.errors import render_problem
from medical_ai.web.security import PERMISSIONS_POLICY, SessionCookies, finish_headers

YEAR_SECONDS = 31_536_000
PROBE_PATHS = frozenset({"/health", "/health/ready"})
UNLIMITED_ENDPOINTS = frozenset(
    {"static", "bootstrap.static", "ops_api.health", "ops_api.health_live", "ops_api.health_ready"}
)


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application. Raises SettingsError on settings that would be unsafe."""
    settings = settings or load_settings()
    check_settings(settings)
    configure_logging(settings, process="web")
    wire_ports()
    database = Database(settings)

    app = Flask("medical_ai", template_folder="templates", static_folder="static")
    app.debug = False  # whatever FLASK_DEBUG says
    app.session_interface = SessionCookies()
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # quotes are found as written
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        SESSION_COOKIE_NAME=cookie_name(settings, "session"),
        BOOTSTRAP_SERVE_LOCAL=True,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    if settings.trusted_proxy_hops:
        hops = settings.trusted_proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    install_metrics(app, database)
    install_request_context(app, database)
    _register_blueprints(app)
    Bootstrap5(app)
    install_ratelimit(app, settings, exempt=UNLIMITED_ENDPOINTS)
    install_provider(app, settings)
    install_guard(app, settings)
    install_problems(app, render_problem)
    _install_headers(app, settings)
    register_commands(app)
    app.wsgi_app = MicroCache(app.wsgi_app, PROBE_PATHS)  # type: ignore[method-assign]
    app.extensions["medical_ai.health"] = HealthProbe(database)
    app.extensions["medical_ai.openapi"] = build_openapi(app, public=PUBLIC_ENDPOINTS)
    return app


def wire_ports() -> None:
    """Let upper packages hear what lower ones tell. Doing it twice changes nothing."""
    events.subscribe(events.AccountCreated, patients.open_record_for_account)
    events.subscribe(events.HospitalCreated, auth.seed_hospital)
    events.subscribe(events.StaffLeft, patients.end_care_of_staff)
    events.subscribe(events.WardClosing, occupancy.keep_occupied_wards_open)
    events.subscribe(events.AccountNotice, notifications.tell_account)
    events.subscribe(events.ZoneChanged, patients.follow_zone)
    events.subscribe(events.RecordReplaced, medications.refuse_to_let_go)
    events.subscribe(events.RecordReplaced, conversations.refuse_to_let_go)
    events.subscribe(events.AccessRefused, audit.record_refused_request)


def _register_blueprints(app: Flask) -> None:
    for blueprint in (
        auth_api.blueprint,
        staff_api.blueprint,
        wards_api.blueprint,
        patients_api.blueprint,
        team_api.blueprint,
        account_api.blueprint,
        mfa_api.blueprint,
        sessions_api.blueprint,
        medications_api.blueprint,
        patient_medications_api.blueprint,
        care_api.blueprint,
        deletion_api.blueprint,
        assistant_api.blueprint,
        ops_api.blueprint,
        web_api.blueprint,
        export_api.blueprint,
        auth_routes.blueprint,
        staff_routes.blueprint,
        invitation_routes.blueprint,
        wards.blueprint,
        redaction.blueprint,
        patients_routes.blueprint,
        directory_pages.blueprint,
        account_routes.blueprint,
        step_routes.blueprint,
        factor_routes.blueprint,
        session_routes.blueprint,
        provider_routes.blueprint,
        medications_routes.blueprint,
        assistant_routes.blueprint,
        pages.blueprint,
        settings_pages.blueprint,
        access_api.blueprint,
        access_pages.blueprint,
        audit_pages.blueprint,
        care_pages.blueprint,
        people_pages.blueprint,
        leaving.blueprint,
    ):
        app.register_blueprint(blueprint)


def _install_headers(app: Flask, settings: Settings) -> None:
    app.after_request(finish_headers)
    Talisman(
        app,
        force_https=False,  # nginx redirects; monitors and the API are never redirected
        strict_transport_security_max_age=YEAR_SECONDS,
        strict_transport_security_include_subdomains=True,
        strict_transport_security_preload=True,
        frame_options="DENY",
        content_security_policy=None,  # by finish_headers
        permissions_policy=PERMISSIONS_POLICY,
        referrer_policy="same-origin",
        session_cookie_secure=settings.cookie_secure,
        session_cookie_samesite="Lax",
    )
    if settings.allowed_origins:
        CORS(
            app,
            origins=settings.allowed_origins,
            supports_credentials=False,
            allow_headers=["Authorization", "Content-Type"],
        )
