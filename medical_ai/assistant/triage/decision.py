"""From concepts to a level, the rules behind it and what to do now.

The level never falls below the conversation's floor: reassurance or a change of subject does
not make an emergency go away.
"""

from dataclasses import dataclass

from medical_ai.assistant.triage.concepts import Findings, find_concepts
from medical_ai.knowledge.red_flags import RedFlags, Rule, TriageLevel, get_red_flags


@dataclass(frozen=True, slots=True)
class Triage:
    """The outcome for one message; ``rules`` are ids of the red-flag data, weightiest first."""

    level: TriageLevel
    rules: tuple[str, ...]
    advice: str
    crisis: bool


def assess(text: str, *, country: str | None = None, floor: TriageLevel | None = None) -> Triage:
    """Triage a message; ``country`` is an ISO 3166-1 alpha-2 code for the numbers to call.

    ``floor`` is the highest level already reached in this conversation. When it is what holds
    the level up, the advice of an urgent one is one sentence saying that it still stands; that of
    a lower one stays with this message. ``rules`` are those of this message alone. Only the first
    8,000 characters are read. Never raises on any text.
    """
    red_flags = get_red_flags()
    findings = find_concepts(text)
    matched = _matched_rules(findings.present, red_flags)
    level = matched[0].level if matched else _level_without_rule(findings, red_flags)
    held = floor if floor is not None and floor > level else None
    key = _advice_key(matched, findings, red_flags) if held is None else _held_key(held, matched)
    numbers = red_flags.numbers_for(country)
    advice = red_flags.advice[key].format(
        emergency_number=numbers.emergency,
        crisis_line=numbers.crisis,
        poison_line=numbers.poison,
    )
    return Triage(
        level=held or level,
        rules=tuple(rule.id for rule in matched),
        advice=advice,
        crisis=any(rule.crisis for rule in matched),
    )


def _matched_rules(concepts: frozenset[str], red_flags: RedFlags) -> list[Rule]:
    """Return the rules that hold, most urgent first and otherwise in the data's order."""
    matched = [rule for rule in red_flags.rules if rule.matches(concepts)]
    return sorted(matched, key=lambda rule: -rule.level.rank)


def _level_without_rule(findings: Findings, red_flags: RedFlags) -> TriageLevel:
    if any(red_flags.concepts[name].is_symptom for name in findings.present):
        return TriageLevel.ROUTINE
    return TriageLevel.NONE


def _held_key(held: TriageLevel, matched: list[Rule]) -> str:
    """Return the advice when an earlier level holds; below urgent it stays with this message."""
    if held >= TriageLevel.URGENT:
        return f"holding-{held}"
    return matched[0].advice if matched else "holding-below-urgent"


def _advice_key(matched: list[Rule], findings: Findings, red_flags: RedFlags) -> str:
    if matched:
        return matched[0].advice
    if _level_without_rule(findings, red_flags) is TriageLevel.ROUTINE:
        return "see-someone-soon"
    imagined = _matched_rules(findings.supposed, red_flags)
    if imagined and imagined[0].level is TriageLevel.EMERGENCY:
        return "if-happening-now"
    return "nothing-urgent-said"
