"""The red-flag table: shape, sources, references, numbers."""

import copy
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from medical_ai.assistant.triage.phrases import compile_slots
from medical_ai.knowledge.red_flags import TriageLevel, get_red_flags, parse_red_flags

REQUIRED = "GB IE US CA AU NZ DE FR ES IT NL BE AT CH SE NO DK FI PL PT IN ZA BR MX JP"
PUBLISHERS = ("nhs.uk", "nice.org.uk", "cdc.gov", "heart.org", "who.int", "rcp.ac.uk", "europa.eu")


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    path = files("medical_ai.knowledge") / "data" / "red_flags.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def broken(raw: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(raw)


def test_it_loads_once() -> None:
    assert get_red_flags() is get_red_flags()


def test_levels_are_ordered_by_urgency_not_by_spelling() -> None:
    assert sorted(TriageLevel) == [
        TriageLevel.NONE,
        TriageLevel.SELF_CARE,
        TriageLevel.ROUTINE,
        TriageLevel.URGENT,
        TriageLevel.EMERGENCY,
    ]
    assert TriageLevel.URGENT >= TriageLevel.URGENT > TriageLevel.ROUTINE
    assert TriageLevel.SELF_CARE <= TriageLevel.SELF_CARE < TriageLevel.URGENT
    assert max(TriageLevel.NONE, TriageLevel.EMERGENCY) is TriageLevel.EMERGENCY


def test_every_rule_names_a_public_source_with_a_reviewed_date() -> None:
    for rule in get_red_flags().rules:
        assert rule.source.url.startswith("https://"), rule.id
        assert any(name in rule.source.url for name in PUBLISHERS), rule.id
        assert rule.source.reviewed.year >= 2026, rule.id


def test_every_phrase_idiom_and_cue_can_be_read() -> None:
    red_flags = get_red_flags()
    language = red_flags.language
    phrases = [phrase for concept in red_flags.concepts.values() for phrase in concept.phrases]
    phrases += language.idioms
    phrases += [phrase for cues in language.cues.values() for phrase in cues]
    for phrase in phrases:
        assert compile_slots(phrase, language.words)


def test_every_concept_can_be_found() -> None:
    red_flags = get_red_flags()
    implied = {parent for concept in red_flags.concepts.values() for parent in concept.is_a}
    measured = {measure.concept for measure in red_flags.measures}
    for concept in red_flags.concepts.values():
        assert concept.phrases or concept.id in implied | measured, concept.id


def test_every_level_but_none_has_rules_and_ids_are_kebab_case() -> None:
    rules = get_red_flags().rules
    assert {rule.level for rule in rules} == set(TriageLevel) - {TriageLevel.NONE}
    for rule in rules:
        assert rule.id == rule.id.lower().replace("_", "-").replace(" ", "-")


@pytest.mark.parametrize("country", REQUIRED.split())
def test_a_country_has_its_own_numbers(country: str) -> None:
    numbers = get_red_flags().numbers_for(country.lower())
    assert numbers.country == country
    assert all((numbers.emergency, numbers.crisis, numbers.poison))


@pytest.mark.parametrize("country", [None, "", "XX"])
def test_an_unknown_country_gets_the_112_wording(country: str | None) -> None:
    assert "112" in get_red_flags().numbers_for(country).emergency


def test_every_advice_can_be_filled_in_and_is_short() -> None:
    for key, text in get_red_flags().advice.items():
        filled = text.format(emergency_number="112", crisis_line="C", poison_line="P")
        assert "{" not in filled, key
        assert len(filled) < 420, key


def test_an_unknown_concept_in_a_rule_is_refused_by_name(broken: dict[str, Any]) -> None:
    broken["rule"][0]["any_of"] = ["unicorn-bite"]
    with pytest.raises(ValueError, match="unicorn-bite"):
        parse_red_flags(broken)


def test_an_unknown_parent_concept_is_refused_by_name(broken: dict[str, Any]) -> None:
    broken["concept"][0]["is_a"] = ["unicorn-bite"]
    with pytest.raises(ValueError, match="unicorn-bite"):
        parse_red_flags(broken)


def test_a_rule_without_a_source_is_refused_by_name(broken: dict[str, Any]) -> None:
    del broken["rule"][0]["source"]
    with pytest.raises(ValueError, match=broken["rule"][0]["id"]):
        parse_red_flags(broken)


def test_numbers_without_a_source_are_refused_by_country(broken: dict[str, Any]) -> None:
    broken["numbers"][0]["source"] = "hearsay"
    with pytest.raises(ValueError, match=broken["numbers"][0]["country"]):
        parse_red_flags(broken)


def test_a_rule_that_would_match_everything_is_refused(broken: dict[str, Any]) -> None:
    broken["rule"][0].pop("any_of", None)
    broken["rule"][0].pop("all_of", None)
    with pytest.raises(ValueError, match="every message"):
        parse_red_flags(broken)


def test_unknown_advice_and_placeholders_are_refused(broken: dict[str, Any]) -> None:
    advice = broken["rule"][0]["advice"]
    broken["rule"][0]["advice"] = "shrug"
    with pytest.raises(ValueError, match="shrug"):
        parse_red_flags(broken)
    broken["rule"][0]["advice"] = advice
    broken["advice"][0]["text"] = "Call {uncle}."
    with pytest.raises(ValueError, match="uncle"):
        parse_red_flags(broken)


def test_a_repeated_id_an_unknown_quantity_and_missing_cues_are_refused(
    raw: dict[str, Any],
) -> None:
    twice = {**raw, "rule": [raw["rule"][0], *raw["rule"]]}
    with pytest.raises(ValueError, match="listed twice"):
        parse_red_flags(twice)
    unknown = {**raw, "measure": [{"concept": "fever", "quantity": "shoe_size", "below": 40}]}
    with pytest.raises(ValueError, match="shoe_size"):
        parse_red_flags(unknown)
    with pytest.raises(ValueError, match="cues"):
        parse_red_flags({**raw, "cues": {"negation": ["no"]}})


@pytest.mark.parametrize("phrase", ["~ pain", "pain ~", "maybe? pain", "@nothing", "a* pain", ""])
def test_a_malformed_phrase_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"begin|class|letters"):
        compile_slots(phrase, {})
