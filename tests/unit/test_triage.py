"""Triage of single messages: levels, context, values, floors, hostile input."""

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medical_ai.assistant.triage import Triage, TriageLevel, assess
from medical_ai.assistant.triage.spelling import Speller
from medical_ai.assistant.triage.text import MAX_CHARACTERS, normalise, read_sentences
from medical_ai.assistant.triage.vitals import find_readings
from medical_ai.knowledge.red_flags import get_red_flags

BELOW_URGENT = {TriageLevel.ROUTINE, TriageLevel.SELF_CARE, TriageLevel.NONE}

SENTENCES: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("triage_sentences.toml").read_text(encoding="utf-8")
)
EMERGENCIES = SENTENCES["emergencies"]
URGENT = SENTENCES["urgent"]
ROUTINE = SENTENCES["routine"]
HARMLESS = SENTENCES["harmless"]
NO_SYMPTOM = SENTENCES["no_symptom"]
CRISES = SENTENCES["crises"]
NO_CRISES = SENTENCES["no_crises"]


def readings(text: str) -> dict[str, float]:
    """Return the measured values of a one-clause message."""
    clause = read_sentences(text)[0].clauses[0]
    return {reading.quantity: round(reading.value, 1) for reading in find_readings(clause)}


@pytest.mark.parametrize("message", EMERGENCIES)
def test_it_recognises_an_emergency(message: str) -> None:
    assert assess(message).level is TriageLevel.EMERGENCY


@pytest.mark.parametrize("message", URGENT)
def test_it_recognises_what_needs_help_today(message: str) -> None:
    assert assess(message).level is TriageLevel.URGENT


@pytest.mark.parametrize("message", ROUTINE)
def test_it_sends_a_lasting_complaint_to_the_doctor(message: str) -> None:
    assert assess(message).level is TriageLevel.ROUTINE


@pytest.mark.parametrize("message", HARMLESS)
def test_it_answers_a_harmless_worry_without_an_ambulance(message: str) -> None:
    assert assess(message).level in BELOW_URGENT


@pytest.mark.parametrize("message", NO_SYMPTOM)
def test_a_message_without_a_symptom_is_none(message: str) -> None:
    assert assess(message).level is TriageLevel.NONE


@pytest.mark.parametrize(
    "message",
    [
        "my mum fell and hit her head",
        "my husband hit his head on the shelf",
        "my wife fell and hurt herself",
        "my partner hurt his back lifting a box",
        "a ball hit my son on the head",
    ],
)
def test_a_fall_or_a_knock_of_someone_else_is_no_abuse(message: str) -> None:
    outcome = assess(message)
    assert not any("abuse" in rule or "harm" in rule for rule in outcome.rules)
    assert not outcome.crisis


@pytest.mark.parametrize("message", CRISES)
def test_it_offers_crisis_help(message: str) -> None:
    outcome = assess(message)
    assert outcome.crisis
    assert outcome.level >= TriageLevel.URGENT


@pytest.mark.parametrize("message", NO_CRISES)
def test_it_does_not_show_crisis_help_for_sadness_or_idioms(message: str) -> None:
    assert not assess(message).crisis


def test_crushing_chest_pain_names_a_cardiac_rule() -> None:
    outcome = assess("I have crushing chest pain going into my left arm", country="GB")
    assert outcome.rules[0].startswith("cardiac-")
    assert outcome.advice.startswith("Call 999 now")


@pytest.mark.parametrize(
    ("country", "number"), [("US", "911"), ("gb", "999"), ("JP", "119"), (None, "112")]
)
def test_advice_names_the_countrys_number(country: str | None, number: str) -> None:
    assert number in assess("She has stopped breathing.", country=country).advice


def test_crisis_advice_names_the_countrys_crisis_line() -> None:
    assert "988" in assess("I want to end my life", country="US").advice


@pytest.mark.parametrize(
    "message",
    [
        "No chest pain, no shortness of breath.",
        "She denies chest pain, fever or fainting.",
        "It isn't chest pain and I am not short of breath.",
        "Without any bleeding or seizure.",
        "Do you have any chest pain? No.",
    ],
)
def test_a_denied_finding_does_not_count(message: str) -> None:
    assert assess(message).level in BELOW_URGENT


@pytest.mark.parametrize(
    "message",
    [
        "I can't breathe.",
        "He is not breathing!",
        "No fever but my chest feels crushed and I'm sweating.",
        "I'm not sure if it's serious but my face is drooping.",
        "The bleeding will not stop.",
        "I've never had chest pain like this before, it goes into my jaw.",
        "No fever, my speech is slurred.",
    ],
)
def test_a_not_that_is_part_of_the_finding_does_not_deny_it(message: str) -> None:
    assert assess(message).level is TriageLevel.EMERGENCY


@pytest.mark.parametrize(
    "message",
    [
        "Last year I had chest pain and shortness of breath.",
        "I fainted years ago as a student.",
        "My grandfather died of a stroke.",
    ],
)
def test_what_is_over_does_not_count(message: str) -> None:
    assert assess(message).level in BELOW_URGENT


@pytest.mark.parametrize(
    "message",
    [
        "What are the signs of a heart attack?",
        "What should I do if someone has a seizure?",
        "Can statins cause weakness on one side?",
        "Tell me about anaphylaxis and throat swelling.",
    ],
)
def test_a_general_question_is_not_an_emergency(message: str) -> None:
    outcome = assess(message)
    assert outcome.level is TriageLevel.NONE
    assert not outcome.rules


def test_a_general_question_about_an_emergency_says_whom_to_call_if_it_is_real() -> None:
    advice = assess("What should I do if someone is choking?", country="GB").advice
    assert advice.startswith("If this is happening now, call 999")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BP 210/130", {"systolic_mmhg": 210, "diastolic_mmhg": 130}),
        ("it was 178 over 104", {"systolic_mmhg": 178, "diastolic_mmhg": 104}),
        ("my sats are 84%", {"spo2_percent": 84}),
        ("SpO₂ 91", {"spo2_percent": 91}),
        ("temp 39.5", {"temperature_celsius": 39.5}),
        ("103F fever", {"temperature_celsius": 39.4}),
        ("fever of 38,6", {"temperature_celsius": 38.6}),
        ("glucose 2.1 mmol/L", {"glucose_mmol_per_litre": 2.1}),
        ("sugar is 45 mg/dL", {"glucose_mmol_per_litre": 2.5}),
        ("pulse 138", {"pulse_per_minute": 138}),
        ("35 beats per minute", {"pulse_per_minute": 35}),
        ("resp rate 34", {"breaths_per_minute": 34}),
        ("breathing rate 34", {"breaths_per_minute": 34}),
        ("potassium 6.8 mEq/L", {"potassium_mmol_per_litre": 6.8}),
        ("my sodium is 118", {"sodium_mmol_per_litre": 118}),
        ("my 6-week-old", {"age_months": 1.4}),
        ("she is 34 years old", {"age_months": 408}),
    ],
)
def test_it_reads_measured_values(text: str, expected: dict[str, float]) -> None:
    assert readings(text) == expected


@pytest.mark.parametrize(
    "text",
    ["fever for 40 hours", "pain 8/10", "on 12/10/2026", "took 400 mg", "insulin 70/30", "24/7"],
)
def test_it_does_not_take_other_numbers_for_values(text: str) -> None:
    assert readings(text) == {}


def test_a_value_in_a_question_or_from_last_year_does_not_count() -> None:
    assert assess("What if my sats were 84?").level is TriageLevel.NONE
    assert assess("Last year my BP was 210/130 with a headache.").level in BELOW_URGENT


def test_typographic_quotes_dashes_capitals_and_typos_do_not_hide_a_finding() -> None:
    assert assess("I CAN’T BREATHE").level is TriageLevel.EMERGENCY
    assert assess("coffee‑ground vomit — since noon").level is TriageLevel.EMERGENCY
    assert assess("I feel sucidal").crisis
    assert assess("tihgtness in my chest, breathng is hard").level is TriageLevel.EMERGENCY


def test_an_unknown_complaint_is_routine() -> None:
    outcome = assess("My earlobe has an odd ache.")
    assert outcome.level is TriageLevel.ROUTINE


@pytest.mark.parametrize(
    "message",
    [
        "It's much better now, thanks.",
        "A nurse friend says it's only stress and I can wait.",
        "I can't afford the ambulance.",
        "When is my next dose?",
        "I have a runny nose.",
        "",
    ],
)
def test_push_back_or_a_change_of_subject_does_not_lower_the_level(message: str) -> None:
    outcome = assess(message, country="GB", floor=TriageLevel.EMERGENCY)
    assert outcome.level is TriageLevel.EMERGENCY
    assert outcome.advice.startswith("Please still call 999")


@pytest.mark.parametrize("floor", [TriageLevel.URGENT, TriageLevel.EMERGENCY])
def test_a_pressing_floor_says_one_sentence(floor: TriageLevel) -> None:
    advice = assess("When is my next dose?", country="GB", floor=floor).advice
    assert advice.startswith("Please still")
    assert advice.count(".") == 1


@pytest.mark.parametrize("floor", [TriageLevel.SELF_CARE, TriageLevel.ROUTINE])
def test_a_floor_below_urgent_does_not_bring_the_earlier_message_up_again(
    floor: TriageLevel,
) -> None:
    outcome = assess("When is my next dose?", floor=floor)
    assert outcome.level is floor
    assert outcome.advice == "Ask a doctor or pharmacist if anything gets worse."


def test_a_lower_complaint_under_a_routine_floor_gets_its_own_advice() -> None:
    alone = assess("I have a runny nose.")
    held = assess("I have a runny nose.", floor=TriageLevel.ROUTINE)
    assert held.level is TriageLevel.ROUTINE
    assert held.advice == alone.advice


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("pian", "pain"), ("chset", "chest"), ("strok", "stroke"), ("bleading", "bleeding")],
)
def test_it_mends_an_alarming_word(typed: str, meant: str) -> None:
    assert Speller([], alarming=[meant]).mend(typed) == meant


@pytest.mark.parametrize("word", ["paint", "plain", "pan", "bread", "chesty", "hearth", "stoke"])
def test_it_leaves_a_real_word_alone(word: str) -> None:
    language = get_red_flags().language
    speller = Speller([], alarming=language.alarming, harmless=language.harmless)
    assert speller.mend(word) == word


def test_an_extra_dose_is_told_to_take_no_more_and_whom_to_call() -> None:
    advice = assess("I took two amlodipine by mistake", country="GB").advice
    assert advice.startswith("Do not take any more")
    assert "111" in advice
    assert "999" in advice


@pytest.mark.parametrize(
    ("value", "level"), [("2.5", "none"), ("5.5", "urgent"), ("9", "emergency")]
)
def test_it_reads_the_inr(value: str, level: str) -> None:
    assert assess(f"my INR is {value}").level == level


def test_a_floor_does_not_hold_a_worse_message_down() -> None:
    outcome = assess("I can't breathe", floor=TriageLevel.ROUTINE)
    assert outcome.level is TriageLevel.EMERGENCY
    assert outcome.rules


@pytest.mark.parametrize("floor", list(TriageLevel))
def test_every_floor_has_its_advice(floor: TriageLevel) -> None:
    assert assess("hello", floor=floor).level is floor


@pytest.mark.parametrize(
    "hostile",
    [
        "chest " * 2000,
        "can't " * 1500,
        "no chest pain or " * 500,
        "severe pain in my left arm and " * 300,
        "what if " * 1200,
        "." * MAX_CHARACTERS + "a",
        "," * MAX_CHARACTERS,
        "1/" * 4000,
        "9" * MAX_CHARACTERS,
        "120/80 over " * 700,
        "'" * MAX_CHARACTERS,
        "ﷺ" * MAX_CHARACTERS,
        "é̂̂̂" * 2000,
    ],
)
def test_hostile_input_takes_no_time(hostile: str) -> None:
    assess("warm up")
    started = time.perf_counter()
    assess(hostile)
    assert time.perf_counter() - started < 0.2


def test_only_the_first_8000_characters_count() -> None:
    assert assess("a " * MAX_CHARACTERS + "I can't breathe").level is TriageLevel.NONE
    assert len(normalise("ﷺ" * MAX_CHARACTERS)) <= MAX_CHARACTERS


@given(st.text(max_size=400))
def test_it_never_raises_on_any_text(text: str) -> None:
    outcome = assess(text)
    assert isinstance(outcome, Triage)
    assert outcome.advice


@given(st.sampled_from(EMERGENCIES + URGENT + ROUTINE + HARMLESS + CRISES))
@settings(max_examples=200)
def test_saying_thank_you_never_lowers_the_level(message: str) -> None:
    before = assess(message)
    after = assess(message + ". Thank you!")
    assert after.level >= before.level
    assert after.crisis == before.crisis


@given(
    st.sampled_from(EMERGENCIES + HARMLESS + NO_SYMPTOM),
    st.sampled_from(list(TriageLevel)),
    st.sampled_from(list(TriageLevel)),
)
def test_the_floor_is_monotone(message: str, first: TriageLevel, second: TriageLevel) -> None:
    low, high = sorted((first, second))
    free = assess(message).level
    assert assess(message, floor=low).level <= assess(message, floor=high).level
    assert assess(message, floor=high).level == max(free, high)


@given(st.lists(st.sampled_from(["no", "not", "pain", "chest", ",", "but", "if", "?", "84", "bp"])))
def test_any_order_of_cue_words_is_read_without_error(words: list[str]) -> None:
    assert assess(" ".join(words)).level in set(TriageLevel)
