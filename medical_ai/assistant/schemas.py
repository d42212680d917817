"""What a chat turn takes and gives, exactly as the API contract names it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from medical_ai.core.schemas import Input, Output, Prose

MESSAGE_LIMIT = 4000

Level = Literal["emergency", "urgent", "routine", "self-care", "none"]


class ChatQuestion(Input):
    """One message to the assistant."""

    message: Annotated[
        Prose, StringConstraints(min_length=1, max_length=MESSAGE_LIMIT, strip_whitespace=True)
    ]
    session_id: UUID | None = Field(None, description="The conversation; a new one without it.")
    patient_id: UUID | None = Field(None, description="Whose record; one's own without it.")


class TriageRead(Output):
    """How urgent the message sounds. `none` describes no symptom or risk."""

    level: Level
    rules: list[str]
    advice: str
    crisis: bool


class Citation(Output):
    """Where a sentence about the record comes from: `quote` stands at `url` word for word."""

    id: str
    title: str
    url: str
    quote: str


class ToolUse(Output):
    """One tool that was called, how much it read and what it held back."""

    name: str
    rows: int
    hidden_fields: list[str]


class Receipt(Output):
    """How the answer came about."""

    responder: str
    left_machine: bool
    elapsed_ms: int
    tools: list[ToolUse]
    told: str = Field("", description="Who else was told of an emergency; empty if nobody was.")


class ChatAnswer(Output):
    """One answer; `reply` is Markdown."""

    session_id: UUID
    message_id: UUID
    reply: str
    triage: TriageRead
    citations: list[Citation]
    receipt: Receipt


class HistoryMessage(Output):
    """One message of a conversation; what came with an answer comes with it again."""

    id: UUID
    role: Literal["user", "assistant"]
    text: str
    at: datetime
    triage: TriageRead | None = None
    citations: list[Citation] | None = None
    receipt: Receipt | None = None


class History(Output):
    """One conversation, oldest message first."""

    session_id: UUID
    messages: list[HistoryMessage]


class ChatSession(Output):
    """A conversation on the list."""

    session_id: UUID
    title: str
    updated_at: datetime
