"""The form of who a patient is: what can be chosen, and what is wanted where."""

from collections.abc import Mapping
from typing import TypeVar

from medical_ai.core.forms import read_form
from medical_ai.patients.details import readable
from medical_ai.patients.schemas import Details

Shape = TypeVar("Shape", bound=Details)

SEXES = {"female": "Female", "male": "Male", "other": "Other", "unknown": "Not known"}
SENTENCES = {
    "name": "Enter the name as it is written, with 200 characters at most.",
    "birth_date": "Enter the day of birth as a date.",
    "sex": "Choose one of the list.",
    "phone": "Enter a telephone number, such as +44 20 7946 0000.",
    "email": "Enter an e-mail address, such as name@example.org.",
    "address": "Enter the address with 500 characters at most.",
    "national_id": "Enter the number with letters, digits, spaces, dots, dashes and slashes alone.",
    "insurance_number": "Enter the number as it stands on the card.",
    "language": "Enter the short name of a language, such as en, de or pt-BR.",
    "emergency_contact": "Enter who to call and the number, with 200 characters at most.",
}


def typed_details(typed: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed into the fields of the form."""
    return {name: typed.get(name, "").strip() for name in Details.model_fields}


def shown_details(details: Details) -> dict[str, str]:
    """Return the form for details there are."""
    return {name: value or "" for name, value in readable(details).items()}


def details_of(shape: type[Shape], form: Mapping[str, str], **more: str) -> Shape:
    """Check what was typed; fields left empty are left out. Raises InvalidInput."""
    values = {name: text.replace("\r\n", "\n") for name, text in form.items() if text}
    return read_form(shape, values | more, sentences=SENTENCES)
