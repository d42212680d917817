"""A question about the patient whose record is open, as the patient would ask it. Pure.

Doctors and caregivers say "she", "he" or "the patient" and mean the record before them. Said in
the first person, their questions are the ones that are understood already.
"""

import re

_WHO = r"(?:she|he|(?:the|this|my|our) patient)"
_DONE = r"(?:taken|had|missed|skipped|marked|swallowed|forgotten)"
_TURNS = tuple(
    (re.compile(pattern, re.IGNORECASE), turned)
    for pattern, turned in (
        (r"\b(?:her|his|(?:the|this|my|our) patient['’]s)\b", "my"),
        (r"\bhim\b", "me"),
        (rf"\b{_WHO}['’]s (?={_DONE}\b)", "i have "),
        (rf"\b{_WHO}(?:['’]s| is)\b", "i am"),
        (rf"\b{_WHO} has\b", "i have"),
        (rf"(?:\bis|['’]s) {_WHO}\b", " am i"),
        (rf"\bdoes(n['’]?t)? {_WHO}\b", r"do\1 i"),
        (rf"\bhas(n['’]?t)? {_WHO}\b", r"have\1 i"),
        (rf"\b{_WHO}\b", "i"),
    )
)


def as_the_patient_asks(text: str) -> str:
    """Return a question with the third person turned into the first."""
    for pattern, turned in _TURNS:
        text = pattern.sub(turned, text)
    return text
