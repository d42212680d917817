"""The endpoints of accounts."""

from tests.functional.access import EVERYBODY, Row

MATRIX: dict[str, Row] = {
    "auth_api.me": ("/auth/me", None, EVERYBODY),
    "auth_api.verify": ("/auth/verify", None, EVERYBODY),
    "auth_api.logout": ("/auth/logout", None, EVERYBODY),
}
