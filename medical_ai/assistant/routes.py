"""The pages of the chat."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.assistant import conversations, presentation, service
from medical_ai.assistant.api import answer_question
from medical_ai.assistant.schemas import MESSAGE_LIMIT, ChatQuestion, History
from medical_ai.auth.guards import current_account
from medical_ai.auth.permissions import Permission
from medical_ai.core.api import EVENT_STREAM
from medical_ai.core.errors import DomainError, NotFound
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_database, current_session
from medical_ai.core.pages import page

blueprint = Blueprint("assistant", __name__)

SENTENCES = {
    "message": f"Write a question of at most {MESSAGE_LIMIT:,} characters.",
    "session_id": "This conversation is not known. Start a new one.",
}


@blueprint.app_context_processor
def _presentation() -> dict[str, Any]:
    return {"shown": presentation}


@blueprint.get("/app/chat")
@page(permission=Permission.CHAT_USE)
def new_page() -> ResponseReturnValue:
    """Show an empty conversation and what could be asked."""
    return render_template("assistant/chat.html", typed="", **_around(None))


@blueprint.get("/app/chat/<uuid:session_id>")
@page(permission=Permission.CHAT_USE)
def conversation_page(session_id: UUID) -> ResponseReturnValue:
    """Show one conversation."""
    history = conversations.get_history(
        current_session(), actor=current_actor(), session_id=session_id
    )
    return render_template("assistant/chat.html", typed="", **_around(history))


@blueprint.post("/app/chat/messages")
@page(permission=Permission.CHAT_USE)
def ask() -> ResponseReturnValue:
    """Ask: streamed for our script, and by way of the conversation's page without it."""
    typed = request.form.get("message", "")
    session_id = request.form.get("session_id") or None
    try:
        question = read_form(
            ChatQuestion, {"message": typed, "session_id": session_id}, sentences=SENTENCES
        )
    except DomainError as error:
        around = _around(_find_history(session_id))
        return form_again("assistant/chat.html", error, typed=typed, **around)
    if EVENT_STREAM in request.accept_mimetypes.values():
        return answer_question(question)
    # The service commits by itself, question and answer apart: this request's session only reads.
    answer = service.ask(current_database(), actor=current_actor(), question=question)
    anchor = f"message-{answer.message_id}"
    return redirect(
        url_for(".conversation_page", session_id=answer.session_id, _anchor=anchor), 303
    )


@blueprint.post("/app/chat/<uuid:session_id>/delete")
@page(permission=Permission.CHAT_USE, writes=True)
def delete(session_id: UUID) -> ResponseReturnValue:
    """Forget a conversation for good."""
    conversations.delete_session(current_session(), actor=current_actor(), session_id=session_id)
    flash("The conversation is deleted for good.", "success")
    return redirect(url_for(".new_page"), 303)


def _around(history: History | None) -> dict[str, Any]:
    actor = current_actor()
    has_record = actor.may(Permission.DOSE_ANSWER)
    return {
        "history": history,
        "conversations": conversations.list_sessions(current_session(), actor=actor),
        "conversations_listed": conversations.SESSIONS_LISTED,
        "has_record": has_record,
        "suggestions": (presentation.SUGGESTIONS if has_record else presentation.STAFF_SUGGESTIONS),
        "message_limit": MESSAGE_LIMIT,
        "zone": current_account().timezone,
    }


def _find_history(session_id: str | None) -> History | None:
    try:
        return conversations.get_history(
            current_session(), actor=current_actor(), session_id=UUID(session_id or "")
        )
    except (ValueError, NotFound):
        return None
