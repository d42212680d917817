"""The tools through which an assistant reads records: one registry, one way to call.

A tool authorises in the service it calls, whatever ids a model chooses. What it read is redacted
here, so that no tool can forget to. Every call is audited and says how many rows it read and which
fields were held back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.core.actor import Actor
from medical_ai.core.api import field_problem
from medical_ai.core.errors import InvalidInput, NotFound
from medical_ai.patients import service as patients
from medical_ai.patients.redaction import Viewer, redact, viewer_of
from medical_ai.patients.schemas import PatientRef

Arguments = TypeVar("Arguments", bound=BaseModel)
Row = dict[str, Any]
"""Plain JSON values; each row has an `id` and a `url`."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool read, as the actor may see it; `hidden_fields` were held back or masked."""

    rows: list[Row]
    hidden_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool(Generic[Arguments]):
    """One thing an assistant can look up about a patient; `resource` is its rows' in the policy."""

    name: str
    description: str
    permission: str
    resource: str
    arguments: type[Arguments]
    run: Callable[[Session, Actor, PatientRef, Arguments], list[Row]]


@dataclass(slots=True)
class Registry:
    """The tools there are, by name."""

    tools: dict[str, Tool[Any]] = field(default_factory=dict)

    def add(self, tool: Tool[Any]) -> None:
        """Add a tool; a name is given once."""
        if tool.name in self.tools:
            raise ValueError(f"there is a tool named {tool.name} already")
        self.tools[tool.name] = tool

    def call(
        self, session: Session, *, actor: Actor, name: str, arguments: dict[str, Any]
    ) -> ToolResult:
        """Check the arguments, authorise, read, and audit.

        `arguments` may name a `patient_id`; without it the actor's own record is meant. Raises
        NotFound, PermissionDenied or InvalidInput, none of which repeats an argument.
        """
        tool = self.tools.get(name)
        if tool is None:
            raise NotFound("There is no such tool.")
        try:
            read = tool.arguments.model_validate(arguments)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
            raise InvalidInput(fields=tuple(map(field_problem, problems))) from None
        patient_id = getattr(read, "patient_id", None)
        patient = (
            patients.get_own_patient(session, actor, tool.permission)
            if patient_id is None
            else patients.get_patient_for(session, actor, patient_id, tool.permission)
        )
        rows = tool.run(session, actor, patient, read)
        result = _redact(rows, tool.resource, viewer_of(actor, patient))
        audit.record(
            session,
            tag=AuditTag.TOOL_CALLED,
            actor=actor,
            patient_id=patient.id,
            subject=("patient", patient.id),
            details=_told(name, result),
        )
        return result


def _redact(rows: list[Row], resource: str, viewer: Viewer) -> ToolResult:
    seen = [redact(resource, row, viewer) for row in rows]
    held = {name: None for one in seen for name in (*one.hidden, *one.masked)}
    return ToolResult([one.values for one in seen], tuple(held))


def _told(name: str, result: ToolResult) -> dict[str, Any]:
    details: dict[str, Any] = {"tool": name, "rows": len(result.rows)}
    return details | ({"hidden": list(result.hidden_fields)} if result.hidden_fields else {})
