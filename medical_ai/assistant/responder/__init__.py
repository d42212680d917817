"""The embedded responder: answers from the record by calling tools, with no model.

Every sentence about the record comes from a row that a tool read and carries its citation. What
was not found is said, and where it was looked for; nothing is guessed, and no dose is suggested.
"""

from medical_ai.assistant.responder.answers import respond
from medical_ai.assistant.responder.record import CallTool
from medical_ai.assistant.responder.speech import Reply, Whose

__all__ = ["CallTool", "Reply", "Whose", "respond"]
