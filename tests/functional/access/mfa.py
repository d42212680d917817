"""The endpoints of second factors. Nobody of the cast has one when their turn comes."""

from tests.functional.access import EVERYBODY, Row, answers
from tests.support.people import PASSWORD

NOTHING_THERE = answers(rest=404)
NO_FACTOR = answers(rest=409)
WRONG_CODE = answers(rest=422)

MATRIX: dict[str, Row] = {
    "mfa_api.get_factors": ("/auth/mfa", None, EVERYBODY),
    "mfa_api.remove_totp": ("/auth/mfa/totp", None, NOTHING_THERE),
    "mfa_api.begin_totp": ("/auth/mfa/totp", None, EVERYBODY),
    "mfa_api.confirm_totp": ("/auth/mfa/totp/confirm", {"code": "letters"}, WRONG_CODE),
    "mfa_api.renew_recovery_codes": ("/auth/mfa/recovery-codes", None, NO_FACTOR),
    "mfa_api.confirm_identity": ("/auth/proof", {"password": PASSWORD}, EVERYBODY),
}

SECOND_FACTOR, PASSKEYS = "/app/settings/second-factor", "/app/settings/passkeys"
NOBODYS = "0198c0de-0000-7000-8000-000000000000"
NONE_SET_UP = answers(rest=404)
UNFIT = answers(rest=422)

PAGES: dict[str, Row] = {
    "factors.overview": (SECOND_FACTOR, None, EVERYBODY),
    "factors.begin_app": (f"{SECOND_FACTOR}/app", {}, EVERYBODY),
    "factors.app_page": (f"{SECOND_FACTOR}/app", None, EVERYBODY),
    "factors.confirm_app": (f"{SECOND_FACTOR}/app/confirm", {"code": "letters"}, UNFIT),
    "factors.remove_app": (f"{SECOND_FACTOR}/app/remove", {}, NONE_SET_UP),
    "factors.renew_codes": (f"{SECOND_FACTOR}/codes", {}, answers(rest=409)),
    "factors.passkeys_page": (PASSKEYS, None, EVERYBODY),
    "factors.passkey_options": (f"{PASSKEYS}/options", {}, EVERYBODY),
    "factors.add_passkey": (PASSKEYS, {"credential": "x"}, UNFIT),
    "factors.remove_passkey": (f"{PASSKEYS}/{NOBODYS}/remove", {}, NONE_SET_UP),
    "factors.proof_page": ("/app/settings/proof", None, EVERYBODY),
    "factors.prove": ("/app/settings/proof", {"password": PASSWORD}, EVERYBODY),
    "factors.proof_options": ("/app/settings/proof/options", {}, EVERYBODY),
    "factors.prove_by_passkey": ("/app/settings/proof/passkey", {}, UNFIT),
}
