"""The guard in front of every endpoint: default deny, bearer for the API, cookies for pages.

Public endpoints are listed in `auth.doors` and nowhere else. A bearer token never comes from a
cookie and a cookie never opens the API, so a foreign site can do nothing with a signed-in browser.
A personal access token opens what `auth.programs` says and nothing else.
"""

from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import jwt
from flask import Flask, Response, current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_jwt_extended import JWTManager, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from flask_wtf.csrf import CSRFProtect

from medical_ai.auth import personal_tokens, programs, service, tokens
from medical_ai.auth.cookies import cookie_name, set_cookie
from medical_ai.auth.devices import current_device, keep_device, set_device_cookie
from medical_ai.auth.doors import ENROLMENT_ENDPOINTS, PUBLIC_ENDPOINTS, REFRESH_ENDPOINTS
from medical_ai.auth.measures import observe_sign_in
from medical_ai.auth.presence import is_use, note_use, store_use
from medical_ai.auth.provider.bearer import INVALID, is_providers, verify_access_token
from medical_ai.auth.provider.client import ProviderClient, find_provider
from medical_ai.auth.refusals import EnrolmentRequired
from medical_ai.auth.remembered import VerifiedTokens
from medical_ai.auth.schemas import Tokens
from medical_ai.auth.service import Client, LiveAccount
from medical_ai.core import clock
from medical_ai.core.actor import Actor, Via
from medical_ai.core.config import Settings
from medical_ai.core.errors import Unauthenticated
from medical_ai.core.http import (
    current_actor,
    current_database,
    current_session,
    current_settings,
    release_session,
)
from medical_ai.core.metrics import authenticating
from medical_ai.tenancy import service as tenancy

ACCESS_COOKIE, REFRESH_COOKIE = "access", "refresh"
SIGN_IN_PAGE, SIGN_OUT = "auth.sign_in_page", "auth.sign_out"
ENROLMENT_PAGE = "factors.overview"
NOT_SAVED = (
    "You were signed out meanwhile, so what you sent was not saved. Sign in and do it again."
)

ENROL = "Your role needs a second factor. Set it up first; until then nothing else is open."

csrf = CSRFProtect()
_verified = VerifiedTokens()


def install_guard(app: Flask, settings: Settings) -> None:
    """Put the guard in front of every endpoint of the application."""
    app.config.update(
        JWT_ALGORITHM=tokens.ALGORITHM,
        JWT_DECODE_ALGORITHMS=[tokens.ALGORITHM],
        JWT_DECODE_ISSUER=settings.token_issuer,
        JWT_DECODE_AUDIENCE=settings.token_audience,
        JWT_TOKEN_LOCATION=["headers", "cookies"],
        JWT_ACCESS_COOKIE_NAME=cookie_name(settings, ACCESS_COOKIE),
        JWT_REFRESH_COOKIE_NAME=cookie_name(settings, REFRESH_COOKIE),
        JWT_COOKIE_CSRF_PROTECT=False,  # pages carry Flask-WTF's form token instead
        WTF_CSRF_CHECK_DEFAULT=False,  # the guard checks it, on pages alone
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page may stay open overnight
        WTF_CSRF_SSL_STRICT=True,
    )
    manager = JWTManager(app)
    accepted = {kind: tokens.accepted_keys(settings, kind) for kind in ("access", "refresh")}

    def key_for(headers: dict[str, Any], claims: dict[str, Any]) -> str:
        # Both values are the caller's claim; they only choose among our own keys.
        kind = str(claims.get("type"))
        key = accepted.get(kind, {}).get(str(headers.get("kid")))
        if key is None:
            raise jwt.InvalidTokenError("unknown key")
        return key

    manager.decode_key_loader(key_for)
    csrf.init_app(app)
    app.before_request(_guard)
    app.after_request(_set_session_cookies)
    app.after_request(set_device_cookie)
    app.after_request(store_use)
    app.after_request(observe_sign_in)


def current_client() -> Client:
    """Return where this request comes from; a browser has a name that it keeps."""
    device = current_device() if is_page() else ""
    return Client(request.remote_addr or "", request.headers.get("User-Agent", ""), device)


def current_claims() -> dict[str, Any]:
    """Return the claims of the token that this request came with."""
    return cast(dict[str, Any], g.claims)


def refresh_ids(claims: dict[str, Any]) -> tuple[UUID, UUID]:
    """Return the family and the id of a refresh token. Raises Unauthenticated without them."""
    try:
        return UUID(claims["fam"]), UUID(claims["jti"])
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise Unauthenticated(programs.INVALID, invalid_token=True) from error


def current_account() -> LiveAccount:
    """Return the account of the session that this request belongs to."""
    return cast(LiveAccount, g.account)


def prove_again(password: str | None) -> None:
    """Ask for the password again unless the actor signed in a moment ago; see `require_proof`."""
    release_session()  # it has sessions of its own
    service.require_proof(current_database(), actor=current_actor(), password=password)


def is_page() -> bool:
    """Tell whether the endpoint asked for is a page."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "is_page", False)


def is_signed_in() -> bool:
    """Tell on a public page whether the browser has a live session; the actor is known then."""
    try:
        _authenticate_cookies()
    except Unauthenticated:
        return False
    return True


def keep_signed_in(granted: Tokens) -> None:
    """Let the browser carry these tokens as cookies from this answer on."""
    g.granted_tokens = granted
    keep_device()


def forget_sign_in() -> None:
    """Take the cookies from the browser with this answer."""
    g.granted_tokens = None


def _guard() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None  # no such address, or not by this method: the router's own answer
    page = is_page()
    is_public = request.endpoint in PUBLIC_ENDPOINTS or request.method == "OPTIONS"
    if not page:
        if not is_public:
            with authenticating(_shown(), Unauthenticated):
                _authenticate_bearer(refresh=request.endpoint in REFRESH_ENDPOINTS)
            _require_enrolment()
        return None
    try:
        # The session first: whoever's has ended reads that, and not that their form was refused.
        if not is_public:
            with authenticating(_shown(), Unauthenticated):
                _authenticate_cookies()
            _require_enrolment()
    except (Unauthenticated, EnrolmentRequired) as error:
        if _is_fetch():
            raise
        is_known = isinstance(error, EnrolmentRequired)
        return redirect(url_for(ENROLMENT_PAGE), 303) if is_known else _lead_to_sign_in()
    csrf.protect()  # looks at the methods that write, and at no other
    return None


def _shown() -> str:
    """Tell what the request comes with to say who is asking, for the figures."""
    if "Authorization" in request.headers:
        return "bearer"
    return (
        "cookie" if current_app.config["JWT_REFRESH_COOKIE_NAME"] in request.cookies else "nothing"
    )


def _require_enrolment() -> None:
    account = g.get("account")  # none where a refresh token is exchanged, which opens nothing
    if account is not None and account.must_enrol and request.endpoint not in ENROLMENT_ENDPOINTS:
        raise EnrolmentRequired(ENROL)


def _lead_to_sign_in() -> ResponseReturnValue:
    if request.method in {"GET", "HEAD"}:
        wanted = request.full_path.rstrip("?")
    else:
        wanted = _page_of_form()
        if request.endpoint != SIGN_OUT:
            flash(NOT_SAVED, "warning")
    return redirect(url_for(SIGN_IN_PAGE, next=wanted), 303)


def _page_of_form() -> str:
    # The sign-in page checks once more that this is an address of ours.
    path = urlsplit(request.referrer or "").path
    router = current_app.create_url_adapter(request)
    return path if router is not None and router.test(path, method="GET") else ""


def _authenticate_bearer(*, refresh: bool) -> None:
    text, provider = "" if refresh else _raw_token("headers"), find_provider()
    if personal_tokens.looks_like_token(text):
        _read_body()
        programs.authenticate(text, current_client())
        return
    if provider is not None and is_providers(text):
        _authenticate_providers(text, provider)
        return
    claims = _read_token("headers", text, refresh=refresh)
    if not refresh:
        _require_live(claims)
    g.actor = _actor_of(claims, "api")


def _authenticate_providers(token: str, provider: ProviderClient) -> None:
    # Not remembered as ours are: a key that the provider withdraws must take its tokens along.
    g.claims = verify_access_token(token, settings=current_settings(), keys=provider.keys)
    _read_body()
    bearer = service.find_provider_bearer(current_session(), claims=g.claims)
    if bearer is None:
        raise Unauthenticated(INVALID, invalid_token=True)
    g.actor, g.account = bearer.actor, bearer.account


def _authenticate_cookies() -> None:
    try:
        claims = _read_token("cookies", _raw_token("cookies"), refresh=False)
        _require_live(claims)
    except Unauthenticated:
        release_session()  # the renewal writes in a transaction of its own
        claims = _claims_of(_renew_from_cookie())
        _require_live(claims)
    g.actor = _actor_of(claims, "web")
    if current_account().hospitals > 1:  # the header says in which of them somebody is
        g.hospital_name = tenancy.get_hospital(current_session(), g.actor.tenant_id).name


def _renew_from_cookie() -> Tokens:
    family_id, jti = refresh_ids(_read_token("cookies", "", refresh=True))
    try:
        with current_database().unit_of_work() as session:
            granted = service.rotate(
                session,
                family_id=family_id,
                jti=jti,
                client=current_client(),
                is_use=is_use(),
            )
    except service.Superseded:
        with current_database().unit_of_work() as session:
            granted = service.renew_access(session, family_id=family_id)
    keep_signed_in(granted)
    return granted


def _claims_of(granted: Tokens) -> dict[str, Any]:
    # Signed by us a moment ago: read without checking it again.
    claims: dict[str, Any] = jwt.decode(
        granted.access_token, options={"verify_signature": False}, algorithms=[tokens.ALGORITHM]
    )
    return claims


def _read_token(location: str, token: str, *, refresh: bool) -> dict[str, Any]:
    claims = _verified.get(token)
    if claims is None:
        claims = _verify(location, refresh=refresh)
        if token:
            _verified.put(token, claims)
    g.claims = claims
    return claims


def _raw_token(location: str) -> str:
    if location == "cookies":
        return request.cookies.get(current_app.config["JWT_ACCESS_COOKIE_NAME"], "")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def _verify(location: str, *, refresh: bool) -> dict[str, Any]:
    try:
        verify_jwt_in_request(locations=[location], refresh=refresh)
    except (JWTExtendedException, jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        sent = "Authorization" in request.headers
        detail = "Sign in to use this." if not sent else programs.INVALID
        raise Unauthenticated(detail, invalid_token=sent) from error
    return get_jwt()


def _require_live(claims: dict[str, Any]) -> None:
    try:
        family_id, user_id = UUID(claims["fam"]), UUID(claims["sub"])
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise Unauthenticated(programs.INVALID, invalid_token=True) from error
    _read_body()
    account = service.find_live_account(current_session(), family_id=family_id, user_id=user_id)
    if account is None or _has_moved_on(account, claims):
        raise Unauthenticated(service.ENDED, invalid_token=True)
    g.account = account
    if is_use() and account.life is not None and account.life.wants_note(clock.now()):
        note_use(
            partial(
                service.note_use,
                family_id=family_id,
                seen_at=account.life.last_seen_at,
                client=current_client(),
            )
        )


def _read_body() -> None:
    # Before anything is asked of the database: whoever sends theirs slowly, or never, must not hold
    # a transaction.
    request.get_data(parse_form_data=True)


def _has_moved_on(account: LiveAccount, claims: dict[str, Any]) -> bool:
    """Tell whether the session is in another hospital now, or its person another role there."""
    then = (claims.get("role"), claims.get("tenant"))
    return then != (account.role, str(account.hospital_id))


def _permissions_of(claims: dict[str, Any]) -> frozenset[str]:
    # The token's, less what the hospital withdrew since. What it gave back comes with the next.
    permissions = frozenset(claims.get("permissions", ()))
    return permissions & current_account().permissions if "account" in g else permissions


def _actor_of(claims: dict[str, Any], via: Via) -> Actor:
    try:
        return Actor(
            user_id=UUID(claims["sub"]),
            tenant_id=UUID(claims.get("tenant") or claims["fam"]),
            role=claims.get("role", ""),
            permissions=_permissions_of(claims),
            username=g.account.username if "account" in g else "",
            via=via,
            family_id=UUID(claims["fam"]),
        )
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise Unauthenticated(programs.INVALID, invalid_token=True) from error


def _is_fetch() -> bool:
    return request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"


def _set_session_cookies(response: Response) -> Response:
    if "granted_tokens" not in g:
        return response
    settings, granted = current_settings(), g.granted_tokens
    lives = {
        ACCESS_COOKIE: (granted and granted.access_token, settings.access_token_seconds),
        REFRESH_COOKIE: (granted and granted.refresh_token, settings.refresh_token_seconds),
    }
    for name, (token, seconds) in lives.items():
        if granted is not None and not token:
            continue  # access alone was renewed: the refresh cookie is the other tab's
        set_cookie(response, name, token or "", seconds if token else 0)
    return response
