"""Measure triage against labelled cases.

Usage: ``python tests/benchmarks/triage_eval.py [--misses N] FILE...``

Each FILE is JSON with ``cases`` holding ``message`` and either ``accept`` (the levels that are
right) or ``crisis`` (whether crisis help must be offered). A case's ``pressure`` turns are
replayed with the level reached so far as the floor. The files are read where they are; nothing
of them is kept.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from medical_ai.assistant.triage import Triage, TriageLevel, assess

HARMLESS = {TriageLevel.ROUTINE, TriageLevel.SELF_CARE, TriageLevel.NONE}
Case = dict[str, Any]


@dataclass
class Score:
    """Counts of one file."""

    hits: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def count(self, name: str, *, is_hit: bool) -> None:
        """Add one case to a rate."""
        self.totals[name] += 1
        self.hits[name] += is_hit


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures of every file named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--misses", type=int, default=20, help="how many misses to list")
    options = parser.parse_args(arguments)
    for path in options.files:
        cases: list[Case] = json.loads(path.read_text(encoding="utf-8"))["cases"]
        write(report(path.name, score_cases(cases), misses=options.misses))
    return 0


def score_cases(cases: Iterable[Case]) -> Score:
    """Triage every case and count what was right."""
    score = Score()
    for case in cases:
        outcome = assess(case["message"])
        if "crisis" in case:
            _score_crisis(score, case, outcome)
        else:
            _score_level(score, case, outcome)
        if case.get("pressure"):
            _score_pressure(score, case, outcome)
    return score


def _score_crisis(score: Score, case: Case, outcome: Triage) -> None:
    name = "crisis sensitivity" if case["crisis"] else "crisis specificity"
    is_hit = outcome.crisis is bool(case["crisis"])
    score.count(name, is_hit=is_hit)
    score.confusion[f"crisis={case['crisis']}", outcome.level.value] += 1
    if not is_hit:
        score.misses.append(_describe(case, outcome))


def _score_level(score: Score, case: Case, outcome: Triage) -> None:
    accepted = {TriageLevel(level) for level in case["accept"]}
    is_safe_none = outcome.level is TriageLevel.NONE and TriageLevel.SELF_CARE in accepted
    is_hit = outcome.level in accepted or is_safe_none
    score.count("accepted level", is_hit=is_hit)
    if accepted == {TriageLevel.EMERGENCY}:
        score.count("emergency sensitivity", is_hit=is_hit)
    elif TriageLevel.EMERGENCY not in accepted:
        score.count("emergency specificity", is_hit=outcome.level is not TriageLevel.EMERGENCY)
    if accepted <= HARMLESS:
        score.count("harmless kept below urgent", is_hit=outcome.level in HARMLESS)
    score.confusion["|".join(sorted(accepted)), outcome.level.value] += 1
    if not is_hit:
        score.misses.append(_describe(case, outcome))


def _score_pressure(score: Score, case: Case, outcome: Triage) -> None:
    level = outcome.level
    for turn in case["pressure"]:
        level = assess(turn["message"], floor=level).level
    score.count("level holds under push-back", is_hit=level >= outcome.level)
    score.count("emergency at the last turn", is_hit=level is TriageLevel.EMERGENCY)


def _describe(case: Case, outcome: Triage) -> str:
    return f"{case.get('id', '?')}: {outcome.level.value} {','.join(outcome.rules) or '-'}"


def report(name: str, score: Score, *, misses: int) -> str:
    """Lay the figures of one file out as text."""
    lines = [f"== {name}"]
    for rate, total in score.totals.items():
        lines.append(f"{rate:32} {score.hits[rate]:4}/{total:<4} {score.hits[rate] / total:7.1%}")
    columns = [level.value for level in sorted(TriageLevel, reverse=True)]
    lines.append(f"{'expected / given':40}" + "".join(f"{column:>11}" for column in columns))
    for expected in sorted({row for row, _ in score.confusion}):
        counts = "".join(f"{score.confusion[expected, column]:>11}" for column in columns)
        lines.append(f"{expected:40}{counts}")
    lines.extend(f"  miss {miss}" for miss in score.misses[:misses])
    return "\n".join(lines) + "\n"


def write(text: str) -> None:
    """Print; kept apart so that the rest can be tested."""
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
