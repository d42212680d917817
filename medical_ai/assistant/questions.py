"""The questions there are, as phrases in order. Data and one way to read it; no message is kept.

Phrases are of plain words (see `wording`), with `@x` for what may be a name. Markers tell more:
`@first` and `@only` stand before the first and the only word, `@asks` means a question mark,
`@period` that a time is named and `@name` that something stands where a medicine's name would.
"""

from dataclasses import dataclass
from enum import StrEnum

from medical_ai.assistant.wording import OTHER, has_any


class IntentKind(StrEnum):
    "What is asked for, or why it is not answered from the record."

    NEXT_DOSE = "next-dose"
    DUE_NOW = "due-now"
    MEDICINES = "medicines"
    SCHEDULE = "schedule"
    WAS_TAKEN = "was-taken"
    NOT_TAKEN = "not-taken"
    HOW_MANY = "how-many"
    LAST_TAKEN = "last-taken"
    DOSES = "doses"
    LEFT = "left"
    SHOULD_TAKE = "should-take"
    ADVICE = "advice"
    MISSED_ADVICE = "missed-advice"
    TOO_MUCH = "too-much"
    MARK = "mark"
    REMIND = "remind"
    ADD = "add"
    STOP = "stop"
    SOMEBODY_ELSE = "somebody-else"
    UNRELATED = "unrelated"
    PRIVACY = "privacy"
    WHO_ARE_YOU = "who-are-you"
    THANKS = "thanks"
    HELP = "help"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    "Applies when of each group of phrases one is there, and none of `unless`."

    kind: IntentKind
    groups: tuple[tuple[str, ...], ...]
    unless: tuple[str, ...]

    def fits(self, text: str) -> bool:
        return all(has_any(text, group) for group in self.groups) and not has_any(text, self.unless)


def _rule(kind: IntentKind, *groups: str, unless: str = "") -> Rule:
    return Rule(kind, tuple(_phrases(group) for group in groups), _phrases(unless))


def _phrases(spelt: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in spelt.split("|") if phrase.strip())


_TAKE = "take | taken | took | taking | have | had | swallowed | skipped | missed"
_TAKEN = "taken | took | take | had | have | swallowed | swallow"
_MED = "medicine | dose"
_UNSURE = (
    "remember if | remember whether | remember taking | remember | not sure | unsure"
    " | forgot if | forgot whether | forget if | know if | know whether | sure if"
    " | sure whether | whether i | if i took | if i have taken | wondering if"
    " | wonder if | check if"
    " | think i took | think i have | think i missed"
)
_UNTAKEN = (
    "miss | missed | skip | skipped | forget | forgot | not taken | not take"
    " | not took | not marked | late | not have | not had"
)
_ASKS_WHAT = (
    "did i | have i | had i | was | were | any | which | how many | show | tell | list | if i"
)

# In order: the first that fits is meant. What must not be mistaken for a question about doses,
# such as asking for advice or telling that something was taken, stands before those questions.
RULES: tuple[Rule, ...] = (
    _rule(
        IntentKind.PRIVACY,
        "data | privacy | private | confidential | encrypted | secure | who can see | who sees"
        " | who can read | who reads | share my | shared",
    ),
    _rule(
        IntentKind.WHO_ARE_YOU,
        "are you | who are you | what are you | am i talking to | this",
        "doctor | nurse | human | robot | real | person | ai | bot | machine | pharmacist"
        " | who are you | what are you | computer",
        unless=_MED,
    ),
    _rule(
        IntentKind.TOO_MUCH,
        "too much | too many | overdose | double dose | took two | took both | took it twice"
        " | took them twice | taken two | taken it twice | took three | taken three | by mistake"
        " | taken too | extra dose | extra medicine | an extra | twice by",
    ),
    _rule(IntentKind.NOT_TAKEN, _UNSURE, "missed | skipped | forgot to", unless="what if | should"),
    _rule(IntentKind.WAS_TAKEN, _UNSURE, "took | taken | had | taking", unless="what if | should"),
    _rule(
        IntentKind.MISSED_ADVICE,
        "i missed | i forgot to | i forgot my | i forgot the | if i miss | if i forget"
        " | i have missed | i have forgot | i skipped | miss a dose | missed a dose"
        " | missed dose | missed my dose",
        unless="did i | have i | which | how many | tell me | show | any",
    ),
    _rule(
        IntentKind.MISSED_ADVICE,
        "missed | forgot | forget | miss | late",
        "what should | what do i do | what can i do | what if | what to do | what now | should i",
    ),
    _rule(
        IntentKind.DOSES,
        "what should i take | what should i be taking | which medicine should i take"
        " | what medicine should i take | what do i need to take",
        "today | tonight | tomorrow | this morning | this evening | this afternoon",
        unless=f"for {OTHER} | for my | for a",
    ),
    _rule(
        IntentKind.SCHEDULE,
        "when should i take | what time should i take | when am i supposed to take",
        "@name",
        unless=f"for {OTHER} | for my | for a | with | and | if",
    ),
    _rule(
        IntentKind.NEXT_DOSE,
        "when should i take | what time should i take | when am i supposed to take",
        f"{_MED} | it | them | next",
        unless=f"for {OTHER} | for my | for a | with | and | if",
    ),
    _rule(
        IntentKind.SHOULD_TAKE,
        "should i take | should i be taking | should i have | should i still take",
        "@name",
        unless=f"for {OTHER} | for my | for a | with | instead | and | how many | how much",
    ),
    _rule(
        IntentKind.ADVICE,
        "should i | should @x | can i take | can i have | can i drink | can i eat"
        " | can i drive | can i use | can i mix | can i stop | can i skip | can i double"
        " | can i give | can i still take | may i take | may i have | could i take"
        " | could i have | what can i take | what to take for | take for my | take for a"
        f" | take for {OTHER} | take with {OTHER} | good for | help with | help for | safe"
        " | safely | dangerous | allowed | ok to | okay to | ok if | okay if | side effect"
        " | side effects | effect | effects | interact | interaction | interactions | mix"
        " | alcohol | wine | beer | pregnant | crush | instead of | do you advise"
        f" | your advice | what helps | how does {OTHER} | what does {OTHER} do"
        f" | why do i take | why am i taking | why am i on | what is {OTHER} for"
        f" | what is {OTHER} used | used for | on an empty | what happens if | better to"
        " | best time to take | be taken with | take together | with food | is it bad",
    ),
    _rule(
        IntentKind.ADVICE,
        f"what is {OTHER}",
        unless=f"my | dose | medicine | due | take | taking | next | {OTHER} left",
    ),
    _rule(
        IntentKind.STOP,
        "i stopped | i have stopped | i no longer take | i want to stop"
        " | please stop | can you stop | could you stop | stop my | stop taking"
        " | stop the | stop reminding | how do i stop | cancel | delete | remove | snooze"
        f" | stop {OTHER} | change my | change the | please change | can you change | undo",
        unless="did | have i | account | password | profile | email | conversation",
    ),
    _rule(
        IntentKind.REMIND,
        "remind me | reminder | set an alarm | set a reminder | remind | an alarm"
        " | help me remember",
        unless="remind me what | remind me when | remind me which | remind me if | did you",
    ),
    _rule(
        IntentKind.ADD,
        "@first add | please add | can you add | could you add | want to add | like to add"
        " | how do i add | how can i add | need to add | add a | add my | prescribed me"
        " | started taking | start taking | put on my list | to my list",
    ),
    _rule(
        IntentKind.MARK,
        "@first mark | please mark | can you mark | could you mark | mark my | mark it | mark the"
        " | mark all | mark as | @first record | please record | can you record | record that"
        " | record my | @first log | please log | can you log | log my | log that | log it"
        " | @first tick | tick off | tick my | note that | write down | make a note | how do i mark"
        " | how do i record",
    ),
    _rule(
        IntentKind.MARK,
        "i took | i just took | i have taken | i have just taken | i have already taken"
        " | i already took | i just had | i have had my | i have just had | i had my"
        " | i did take | i did not take | i have not taken | i am taking my | @first took"
        " | @first taken | @first just | just taken | just took | i took my | i take it now",
        unless="@asks | did i | have i | when | what | which | how many | if i",
    ),
    _rule(IntentKind.NOT_TAKEN, _ASKS_WHAT, _UNTAKEN),
    _rule(IntentKind.NOT_TAKEN, "did not i | have not i", _TAKEN),
    _rule(
        IntentKind.LAST_TAKEN,
        "when did i | what time did i | when was | when have i | last dose | last medicine"
        f" | last time i | did i last | last {OTHER} | how long ago",
        f"{_TAKEN} | dose | medicine | last",
        unless="when was my next",
    ),
    _rule(
        IntentKind.LEFT,
        "left | remaining | am i done | all done | am i finished | rest of | what else"
        " | anything else"
        " | still to take | still have to | still need to | still due | still to come | outstanding"
        " | done for | finished for | more to take | any more | later today | later",
        f"{_MED} | take | today | tonight | due | done | left | need | day | finished | tomorrow",
    ),
    _rule(
        IntentKind.HOW_MANY,
        "everything | all | both | all of",
        "did i | have i | did we | have we | had i | @asks",
        "take | taken | took | had | have",
    ),
    _rule(
        IntentKind.HOW_MANY,
        "how many | which | what | show me | list",
        "did i take | have i taken | did i have | have i had | i took | i have taken | taken"
        " | were marked | are marked",
    ),
    _rule(
        IntentKind.WAS_TAKEN,
        "did i | did we | have i | have we | had i | i have | i had | i took | did you see me",
        _TAKEN,
        unless="do i have | did i say",
    ),
    _rule(
        IntentKind.WAS_TAKEN,
        "was | were | is | are | has | have | @first taken | @first took | all my",
        "taken | marked | ticked | been taken | recorded",
    ),
    _rule(
        IntentKind.DUE_NOW,
        "now | right now | currently due | at the moment | is anything due | anything due"
        " | am i due | overdue | is it time for | time to take",
        "take | due | need | have to | medicine | dose",
    ),
    _rule(
        IntentKind.NEXT_DOSE,
        "next | what is next | how long until | how soon",
        f"{_MED} | take | due | when | what | @name | my",
        unless="next week | next month",
    ),
    _rule(
        IntentKind.NEXT_DOSE,
        "when is | when are | what time is | what time are | when will",
        f"{_MED} | due | @name | take",
    ),
    _rule(IntentKind.NEXT_DOSE, "is my | is the | is it | are my | are the", "due"),
    _rule(
        IntentKind.SCHEDULE,
        "how often | how many times | how much | when do i | what time | what times | when should"
        " | how do i take | what dose | strength | what is my",
        "@name",
    ),
    _rule(
        IntentKind.DOSES,
        "what | which | anything | do i | am i | show | tell | list | any | my | have to | is there"
        " | are there | when",
        f"{_MED} | take | due | need | taking | planned | scheduled | have to",
        "@period",
        unless="how often | how many times",
    ),
    _rule(
        IntentKind.NEXT_DOSE,
        "when | what time",
        f"take | due | {_MED} | need | have to",
        unless="how often",
    ),
    _rule(
        IntentKind.SCHEDULE,
        "am i on | am i taking | am i still | do i take | do i still | on my list | do i have"
        " | am i prescribed | was i prescribed | supposed to take | is there | have i got",
        "@name",
    ),
    _rule(
        IntentKind.MEDICINES,
        "what | which | list | show | tell | see | read | all | how often | how many | my | name",
        f"am i taking | do i take | i take | i am taking | am i on | i am on | {_MED} | on my list"
        " | prescribed | my list | i am supposed to take",
    ),
    _rule(
        IntentKind.MEDICINES,
        f"@first {OTHER} | my | @only medicine",
        f"medicine list | my medicine | {_MED}",
    ),
    _rule(IntentKind.DOSES, _MED, "@period"),
    _rule(
        IntentKind.THANKS,
        "thank you | thanks | cheers | @only great | @only ok | @only okay | @only good | @only bye"
        " | @only lovely | @only perfect | @only cool | @only ta",
    ),
    _rule(
        IntentKind.HELP,
        "@first hi | @first hello | @first hey | @first help | @first good | what can you"
        " | what can i | how do you | how does this | what do you do | can you help",
    ),
)
