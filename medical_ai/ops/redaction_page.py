"""The generated page of `docs/` about the redaction policy: role by resource by field."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from medical_ai.patients.redaction import MASK, POLICY, Treatment, Viewer, treatment_of

WORDS = {Treatment.SHOW: "shown", Treatment.MASK: "masked", Treatment.HIDE: ""}
ABOUT = f"""
What each viewer sees of each field, from the one policy in `patients/policy.py` that pages, the
API, the assistant's tools and exports go through. Who may open a patient's record at all is decided
before it: this is what they find inside.

- An empty cell is hidden: the field is missing from answers, in JSON as well. A field or a resource
  that does not stand here is hidden from everybody but the patient.
- A masked field is `{MASK}` where there is a value: that there is one, and nothing of it. The last
  digits of a number would give away the part that clerks ask for on the telephone.
- Patients see all of their own record, and so does who acts for them. The caregiver's column is the
  most that a patient's consent can give.
- An administrator looks at this with a made-up record at `/app/redaction`.
"""


Table = Callable[[Sequence[str], Iterable[Sequence[str]]], str]


def redaction_parts(note: str, table: Table) -> Iterator[str]:
    """Return the parts of the page: what it means, and a table for each resource."""
    yield "# What each role sees"
    yield note
    yield ABOUT.strip()
    for resource, fields in POLICY.items():
        yield f"## {resource}"
        rows = [
            [f"`{field}`", *(WORDS[treatment_of(resource, field, one)] for one in Viewer)]
            for field in fields
        ]
        yield table(["Field", *(one.value for one in Viewer)], rows)
