"""Which passwords may be chosen: long enough, and none that guessers try first.

No rule asks for digits or signs, as NIST SP 800-63B advises: they make passwords hard to keep and
easy to guess. The list is of passwords that leaked, and ships with the `zxcvbn` package.
"""

import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

from medical_ai.auth.passwords import MIN_CHARACTERS
from medical_ai.core.errors import FieldProblem, InvalidInput
from medical_ai.core.schemas import FieldInvalid

ADVISED_CHARACTERS = 12
COMMON = "Many people use this password, so it is guessed first. Choose another one."
PERSONAL = "This is your name or your e-mail address. Choose something nobody knows of you."
TOO_SHORT = f"Choose a password of at least {MIN_CHARACTERS} characters."


def normal_password(password: str) -> str:
    """Return the one form of a password that looks the same however it was typed.

    RFC 8265, OpaqueString: every kind of space is the common one, then NFC. Nothing is cut off and
    no capital is changed. A hash brought from elsewhere that was made of another form does not fit.
    """
    spaced = (" " if unicodedata.category(one) == "Zs" else one for one in password)
    return unicodedata.normalize("NFC", "".join(spaced))


def normal_new_password(password: str) -> str:
    """Return a new password in its normal form. Raises FieldInvalid where that is too short."""
    normal = normal_password(password)
    if len(normal) < MIN_CHARACTERS:
        raise FieldInvalid(TOO_SHORT)
    return normal


def refuse_guessable(password: str, *, email: str, username: str, field: str = "password") -> None:
    """Raise InvalidInput for a password that is common, or is the account's own name.

    `field` is what the form or body calls it.
    """
    folded = password.strip().casefold()
    if folded in common_passwords():
        raise InvalidInput(fields=(FieldProblem(field, COMMON),))
    if folded in {email.casefold(), email.partition("@")[0].casefold(), username.casefold()}:
        raise InvalidInput(fields=(FieldProblem(field, PERSONAL),))


@cache
def common_passwords() -> frozenset[str]:
    """Return the leaked passwords that are long enough to be chosen, in small letters."""
    # Read by the first who needs it, and its file alone: imported, the package would keep 14 MiB
    # of lists and tables that nothing here asks for.
    package = find_spec("zxcvbn")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the package zxcvbn is not installed")
    file = Path(package.submodule_search_locations[0]) / "frequency_lists.py"
    listed = (one.casefold() for one in run_path(str(file))["FREQUENCY_LISTS"]["passwords"])
    return frozenset(one for one in listed if len(one) >= MIN_CHARACTERS)
