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
