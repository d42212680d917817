"""From an intent to an answer: what is answered without the record, and who answers the rest."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from medical_ai.assistant.intents import Intent, read_intent
from medical_ai.assistant.questions import IntentKind
from medical_ai.assistant.responder import coming, doses, medicines, texts
from medical_ai.assistant.responder.record import CallTool, Record, TooMany, read_meant
from medical_ai.assistant.responder.speech import Reply, Whose
from medical_ai.assistant.third_person import as_the_patient_asks

Answer = Callable[[Intent, Record], Reply]

_ALWAYS: dict[IntentKind, str] = {
    IntentKind.ADVICE: texts.ADVICE,
    IntentKind.TOO_MUCH: texts.TOO_MUCH,
    IntentKind.MISSED_ADVICE: texts.MISSED_ADVICE,
    IntentKind.PRIVACY: texts.PRIVACY,
    IntentKind.WHO_ARE_YOU: texts.WHO_ARE_YOU,
    IntentKind.THANKS: texts.THANKS,
}
_WITHOUT_RECORD = _ALWAYS | {IntentKind.SHOULD_TAKE: texts.ADVICE}
_OWN_OPEN = _ALWAYS | {
    IntentKind.HELP: texts.ABILITIES,
    IntentKind.SOMEBODY_ELSE: texts.SOMEBODY_ELSE,
    IntentKind.UNRELATED: texts.UNRELATED,
    IntentKind.REMIND: texts.HOW_TO_REMIND,
    IntentKind.ADD: texts.HOW_TO_ADD,
    IntentKind.STOP: texts.HOW_TO_STOP,
}
_OTHER_OPEN = _OWN_OPEN | {
    IntentKind.HELP: texts.ABILITIES_FOR_ANOTHER,
    IntentKind.SOMEBODY_ELSE: texts.SOMEBODY_ELSE_STILL,
    IntentKind.UNRELATED: texts.UNRELATED_FOR_ANOTHER,
    IntentKind.MISSED_ADVICE: texts.MISSED_ADVICE_FOR_ANOTHER,
    # The pages on which one changes one's own medicines would change the wrong ones.
    **dict.fromkeys((IntentKind.REMIND, IntentKind.ADD, IntentKind.STOP), texts.NOTHING_RECORDED),
}
_SAID = {Whose.OWN: _OWN_OPEN, Whose.OTHER: _OTHER_OPEN}
_FROM_RECORD: dict[IntentKind, Answer] = {
    IntentKind.NEXT_DOSE: coming.next_dose,
    IntentKind.DUE_NOW: coming.due_now,
    IntentKind.WAS_TAKEN: doses.was_taken,
    IntentKind.HOW_MANY: doses.how_many,
    IntentKind.NOT_TAKEN: doses.not_taken,
    IntentKind.LAST_TAKEN: doses.last_taken,
    IntentKind.DOSES: doses.doses,
    IntentKind.LEFT: doses.left,
    IntentKind.MARK: coming.mark,
    IntentKind.MEDICINES: medicines.medicines,
    IntentKind.SCHEDULE: medicines.schedule,
    IntentKind.SHOULD_TAKE: doses.should_take,
}
_WITHOUT_A_PERIOD = frozenset(
    {
        IntentKind.NEXT_DOSE,
        IntentKind.DUE_NOW,
        IntentKind.MEDICINES,
        IntentKind.SCHEDULE,
        IntentKind.MARK,
        IntentKind.LAST_TAKEN,
    }
)
"""Answered without looking at a span that the question names."""


def respond(
    text: str, *, zone: ZoneInfo | None, call_tool: CallTool, whose: Whose = Whose.OWN
) -> Reply:
    """Answer a question about one's own record or another's, as `whose` says.

    `zone` is the patient's; None where there is no record to read.
    """
    if zone is None:
        return Reply(_WITHOUT_RECORD.get(read_intent(text).kind, texts.STAFF_ABILITIES))
    intent = _read(text, whose)
    if intent.kind in _SAID[whose]:
        return Reply(_SAID[whose][intent.kind])
    try:
        return _from_record(intent, Record(zone, call_tool, whose))
    except TooMany:
        return Reply(texts.TOO_MANY)


def _read(text: str, whose: Whose) -> Intent:
    return read_intent(text if whose is Whose.OWN else as_the_patient_asks(text))


def _from_record(intent: Intent, record: Record) -> Reply:
    if intent.kind is IntentKind.UNKNOWN:
        return _unclear(intent, record)
    if not intent.period.is_readable and intent.kind not in _WITHOUT_A_PERIOD:
        return Reply(texts.PERIOD_UNREADABLE)
    return _FROM_RECORD[intent.kind](intent, record)


def _unclear(intent: Intent, record: Record) -> Reply:
    """Answer a few words: the name of a medicine on the list tells what they are about."""
    abilities = _SAID[record.whose][IntentKind.HELP]
    if not intent.is_bare or not intent.runs:
        return Reply(texts.UNCLEAR + abilities)
    if not read_meant(intent, [row["name"] for row in record.medicines()]).found:
        return Reply(texts.UNCLEAR_LOOKED + abilities)
    has_time = intent.period.is_named and intent.period.is_readable
    return doses.doses(intent, record) if has_time else medicines.schedule(intent, record)
