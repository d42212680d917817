"""Red-flag triage of one message: how soon should this person get help, and what to do now.

Pure: text in, ``Triage`` out. Nothing in this package may touch the database, the network,
the clock or a web framework, and no model takes part in the decision.
"""

from medical_ai.assistant.triage.decision import Triage, assess
from medical_ai.knowledge.red_flags import TriageLevel

__all__ = ["Triage", "TriageLevel", "assess"]
