"""The application and a real identity provider, and a browser that goes there and back."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select
from werkzeug.test import TestResponse

from medical_ai.auth.models import User
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from tests.support.browser import ADDRESS, Browser
from tests.support.people import Person
from tests.support.provider import (
    AUDIENCE,
    CLIENT_ID,
    CLIENT_SECRET,
    HOSPITAL,
    PERMISSIONS,
    ROLES,
    SECRET,
    IdentityProvider,
    identity_provider,
)
from tests.support.stores import Store


@pytest.fixture(scope="session")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    """An identity provider that knows the application."""
    with identity_provider(tmp_path_factory.mktemp("provider"), ADDRESS) as started:
        yield started


@pytest.fixture(autouse=True)
def nobody_there(idp: IdentityProvider) -> None:
    """Begin without anybody at the provider."""
    idp.steer("forget")


@pytest.fixture
def settings(
    request: pytest.FixtureRequest,
    stores: dict[str, Store],
    database_kind: str,
    idp: IdentityProvider,
) -> Settings:
    """Settings for the provider, changed as the test's marker says."""
    changed: dict[str, Any] = {
        "public_url": ADDRESS,
        "oidc_issuer": idp.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": SecretStr(CLIENT_SECRET),
        "oidc_name": "City Login",
        "oidc_audience": AUDIENCE,
        "oidc_roles_claim": ROLES,
        "oidc_role_map": "chief=administrator,physician=doctor,ward-staff=nurse",
        "oidc_permissions_claim": PERMISSIONS,
        "oidc_hospital_claim": HOSPITAL,
        "oidc_sign_up": True,
        "oidc_keys_seconds": 1,
    }
    for mark in request.node.iter_markers("settings"):
        changed |= mark.kwargs
    return stores[database_kind].settings.model_copy(update=changed)


class Traveller(Browser):
    """A browser that goes to the provider and back."""

    def __init__(self, app: Flask, idp: IdentityProvider) -> None:
        super().__init__(app)
        self._idp = idp

    def begin(self, path: str = "/app/oidc/start") -> str:
        """Return the provider's address that a page of ours leads to."""
        response = self.open(path)
        assert response.status_code == 303, response.get_data(as_text=True)
        return response.headers["Location"]

    def come_back(self, address: str) -> TestResponse:
        """Open the address that the provider leads to."""
        assert address.startswith(f"{ADDRESS}/app/oidc/callback?"), address
        return self.open(address.removeprefix(ADDRESS))

    def travel(
        self, email: str, *, path: str = "/app/oidc/start", secret: str = SECRET
    ) -> TestResponse:
        """Go to the provider, sign in there, and come back."""
        return self.come_back(self._idp.sign_in(self.begin(path), email, secret=secret))


@pytest.fixture
def browser(app: Flask, idp: IdentityProvider) -> Traveller:
    """A browser in which nobody is signed in."""
    return Traveller(app, idp)


@pytest.fixture
def linked(database: Database, idp: IdentityProvider, alice: Person) -> Person:
    """Alice, whose account is linked to an identity at the provider."""
    idp.add("idp|alice", alice.email)
    with database.unit_of_work() as session:
        session.get_one(User, alice.user_id).auth0_user_id = "idp|alice"
    return alice


def find_account(database: Database, email: str) -> User:
    """Return the account with an e-mail address."""
    with database.reading() as session:
        return session.scalars(select(User).where(User.email == email)).one()
