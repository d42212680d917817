"""Questions to intents: wordings, slips of the thumb, periods and names, without any record."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medical_ai.assistant.intents import read_intent
from medical_ai.assistant.periods import DayPart, Period, Span, span_of
from medical_ai.assistant.questions import IntentKind as Kind
from medical_ai.assistant.wording import read_words

BERLIN = ZoneInfo("Europe/Berlin")
NINE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

KINDS = {
    Kind.NEXT_DOSE: (
        "When is my next dose?",
        "wen is my next tablet",
        "what time do I take my pills",
        "when's the next tablet due?",
        "when is my next metformin",
        "what's next",
        "hi, when is my next dose",
    ),
    Kind.DUE_NOW: ("do i need to take anything now", "is it time for my pills"),
    Kind.MEDICINES: (
        "What am I taking?",
        "what pills am i on",
        "list my medications",
        "which drugs am I on",
        "can you tell me what i take",
        "pills",
    ),
    Kind.SCHEDULE: (
        "when do i take atorvastatin",
        "how often do i take metformin",
        "am i on warfarin",
        "wen do i tak my amlodapine",
        "do i still take warfarin",
    ),
    Kind.WAS_TAKEN: (
        "Did I take my medicine this morning?",
        "Have I taken amlodipine today",
        "have i had my amlodipine today",
        "was my evening pill marked",
        "I can't remember if I took my amlodipine this morning",
        "did i tke my pils",
        "have i taken it",
        "did i take my metformin with breakfast",
        "i don't think i took my pills",
    ),
    Kind.HOW_MANY: ("did I take everything today", "which pills have i taken today"),
    Kind.NOT_TAKEN: (
        "did I miss any doses yesterday",
        "have i missed anything",
        "tell me if i missed any doses yesterday",
        "how many doses did i skip this week",
        "didn't I take my pill",
    ),
    Kind.LAST_TAKEN: ("when did i last take my metformin", "when was my last dose"),
    Kind.DOSES: (
        "what do I take tonight",
        "what do i take in the morning",
        "what do i take on monday",
        "what should i take tonight",
        "any pills tonight",
    ),
    Kind.LEFT: ("what's left for today", "am i done for today", "what pills are left today"),
    Kind.SHOULD_TAKE: ("should I take my metformin tonight",),
    Kind.ADVICE: (
        "what can I take for chest pain",
        "i have a headache, what can i take",
        "is it safe to take",
        "can i drink wine with metformin",
        "what are the side effects of amlodipine",
        "what is metformin for",
        "should i stop metformin",
    ),
    Kind.MISSED_ADVICE: ("i missed a dose, what should i do", "i forgot to take my metformin"),
    Kind.TOO_MUCH: ("i took two metformin by mistake", "did i take too much"),
    Kind.MARK: (
        "i just took my metformin",
        "mark my amlodipine as taken",
        "i have taken my pills",
        "please record that i took it",
    ),
    Kind.REMIND: ("remind me to take my pills at 8",),
    Kind.ADD: ("add ibuprofen", "how do i add a medicine"),
    Kind.STOP: ("stop metformin", "please delete my metformin"),
    Kind.SOMEBODY_ELSE: ("has my mum taken her tablets", "did he take his pills"),
    Kind.UNRELATED: ("have i had lunch",),
    Kind.PRIVACY: ("is my data private",),
    Kind.WHO_ARE_YOU: ("are you a doctor", "who are you"),
    Kind.THANKS: ("thanks", "ok, thank you!"),
    Kind.HELP: ("hello", "What can you do?"),
    Kind.UNKNOWN: ("", "tell me a joke about cheese", "病院はどこですか", "i am ill", "📎"),
}


@pytest.mark.parametrize(
    ("text", "kind"), [(text, kind) for kind, texts in KINDS.items() for text in texts]
)
def test_questions_are_understood_or_left_alone(text: str, kind: Kind) -> None:
    assert read_intent(text).kind is kind


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("wen", "when"),
        ("tke", "take"),
        ("taek", "take"),
        ("pils", "medicine"),
        ("tabelts", "medicine"),
        ("tomorow", "tomorrow"),
        ("yesterdy", "yesterday"),
        ("tonite", "tonight"),
    ],
)
def test_a_slip_of_the_thumb_is_mended(typed: str, meant: str) -> None:
    assert read_words(typed).plain == (meant,)


@pytest.mark.parametrize(
    "word", ["table", "head", "died", "ill", "nexium", "warfarin", "doxazosin"]
)
def test_a_real_word_is_never_bent_into_a_question_word(word: str) -> None:
    assert read_words(word).plain == ("@x",)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("did i take my warfarin today", True),
        ("when is my next warfarin dose", True),
        ("am i on warfarin", True),
        ("did i take the dog out", False),
        ("have i had a heart attack", False),
        ("did i actually take my pills", False),
        ("did i take my pills before the gym", False),
    ],
)
def test_what_stands_where_a_name_stands_may_be_one(text: str, name: bool) -> None:
    assert any(run.is_name for run in read_intent(text).runs) is name


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("did i take my pill this morning", Period(part=DayPart.MORNING, is_past=True)),
        (
            "did i take my pill yesterday evening",
            Period(day=-1, part=DayPart.EVENING, is_past=True),
        ),
        ("did i take my pill last night", Period(day=-1, part=DayPart.NIGHT, is_past=True)),
        ("what pills are due tomorrow", Period(day=1)),
        ("did i take it at lunch", Period(part=DayPart.NOON, is_past=True)),
        ("what do i take at bedtime", Period(part=DayPart.BEDTIME, is_usual=True)),
        ("what do i take on monday", Period(weekday=0)),
        ("did i take it 3 days ago", Period(long=("ago", 3), is_past=True)),
        ("did i take it in the last two weeks", Period(long=("days", 14), is_past=True)),
        ("did i take it in march", Period(is_readable=False)),
        ("did i take it an hour ago", Period(is_readable=False)),
        ("when may i take it", Period()),
    ],
)
def test_the_time_that_is_meant_is_understood(text: str, period: Period) -> None:
    assert read_intent(text).period == period


def span(text: str, now: datetime = NINE, zone: ZoneInfo = BERLIN) -> Span:
    """Return what would be looked at, in the patient's time."""
    found = span_of(read_intent(text).period, now, zone)
    return Span(found.start.astimezone(zone), found.end.astimezone(zone), found.spoken, found.label)


@pytest.mark.parametrize(
    ("text", "start", "end", "label"),
    [
        ("today", "21T00:00", "22T00:00", "today, Saturday 21 November"),
        ("tonight", "21T17:00", "22T04:00", "today, Saturday 21 November, 17:00 to 04:00"),
        ("last night", "20T17:00", "21T04:00", "yesterday, Friday 20 November, 17:00 to 04:00"),
        ("this evening", "21T17:00", "22T00:00", "today, Saturday 21 November, 17:00 to midnight"),
        ("on monday", "16T00:00", "17T00:00", "Monday 16 November"),
        ("on saturday", "14T00:00", "15T00:00", "Saturday 14 November"),
        ("this week", "16T00:00", "22T00:00", "Monday 16 November to Saturday 21 November"),
        ("last week", "09T00:00", "16T00:00", "Monday 9 November to Sunday 15 November"),
        ("last 7 days", "15T00:00", "22T00:00", "Sunday 15 November to Saturday 21 November"),
        ("2 days ago", "19T00:00", "20T00:00", "Thursday 19 November"),
    ],
)
def test_a_period_becomes_a_span_that_can_be_said(
    text: str, start: str, end: str, label: str
) -> None:
    found = span(text)
    assert found.start.isoformat().startswith(f"2026-11-{start}")
    assert found.end.isoformat().startswith(f"2026-11-{end}")
    assert found.label.startswith(label)


def test_in_the_early_hours_the_night_is_the_one_that_is_on() -> None:
    two = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
    for text in ("tonight", "last night"):
        assert span(text, two).start.isoformat().startswith("2026-11-20T17:00")
        assert span(text, two).spoken == "last night"


@pytest.mark.parametrize(
    ("zone", "day"), [("Pacific/Apia", "2026-11-22"), ("America/Los_Angeles", "2026-11-20")]
)
def test_today_is_the_patients(zone: str, day: str) -> None:
    moment = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    if zone == "America/Los_Angeles":
        moment = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    assert span("today", moment, ZoneInfo(zone)).start.isoformat().startswith(f"{day}T00:00")


def test_a_day_on_which_the_clocks_change_is_longer() -> None:
    found = span_of(Period(day=0), datetime(2026, 10, 25, 12, tzinfo=UTC), BERLIN)
    assert (found.end - found.start).total_seconds() == 25 * 3600


@given(st.text(max_size=400))
def test_any_text_has_an_intent(text: str) -> None:
    assert read_intent(text).kind in Kind


@pytest.mark.parametrize("piece", ["did i take my ", "x' ", "aaaa", "the ", "7 days ", "pils "])
def test_a_long_message_is_read_at_once(piece: str) -> None:
    started = time.perf_counter()
    read_intent(piece * (4000 // len(piece)))
    assert time.perf_counter() - started < 0.5
