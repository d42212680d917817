"""The chat endpoints of the JSON API, streamed where the client asks for events."""

from uuid import UUID

from flask import Blueprint, Response, request

from medical_ai.assistant import conversations, service
from medical_ai.assistant.schemas import ChatAnswer, ChatQuestion, ChatSession, History
from medical_ai.assistant.streaming import stream_answer
from medical_ai.auth.permissions import Permission
from medical_ai.core.api import EVENT_STREAM, api, to_response
from medical_ai.core.http import current_actor, current_database, current_session, release_session
from medical_ai.core.schemas import Listing

blueprint = Blueprint("chat_api", __name__)


def answer_question(question: ChatQuestion) -> Response:
    """Answer as the client asked: a stream of events, or one JSON object."""
    database, actor = current_database(), current_actor()
    # A stream has said 200 before it could say 404.
    conversations.check_question(current_session(), actor=actor, question=question)
    release_session()  # a turn has transactions of its own
    if EVENT_STREAM in request.accept_mimetypes.values():
        return stream_answer(database, actor=actor, question=question)
    return to_response(service.ask(database, actor=actor, question=question), 200, ChatAnswer)


@blueprint.post("/chat/message")
@api(
    permission=Permission.CHAT_USE,
    body=ChatQuestion,
    answers={200: ChatAnswer},
    errors=[404],
    streams=True,
)
def send_message(body: ChatQuestion) -> Response:
    """Ask the assistant.

    With `Accept: text/event-stream` the answer comes as events: `triage` first, then `tool`,
    `delta` repeatedly, `citations`, and `done` with the whole object.
    """
    return answer_question(body)


@blueprint.post("/api/chat/message", strict_slashes=False)
@api(
    permission=Permission.CHAT_USE,
    body=ChatQuestion,
    answers={200: ChatAnswer},
    errors=[404],
    streams=True,
)
def send_message_older(body: ChatQuestion) -> Response:
    """Ask the assistant at its older address; the same as `/chat/message`."""
    return answer_question(body)


@blueprint.get("/chat/history/<uuid:session_id>")
@api(permission=Permission.CHAT_USE, answers={200: History})
def get_history(session_id: UUID) -> History:
    """Return one conversation, oldest message first."""
    return conversations.get_history(
        current_session(), actor=current_actor(), session_id=session_id
    )


@blueprint.get("/chat/sessions")
@api(permission=Permission.CHAT_USE, answers={200: Listing[ChatSession]})
def list_sessions() -> Listing[ChatSession]:
    """List one's own conversations, the latest first."""
    found = conversations.list_sessions(current_session(), actor=current_actor())
    return Listing[ChatSession](items=found)


@blueprint.delete("/chat/sessions/<uuid:session_id>")
@api(permission=Permission.CHAT_USE, answers={204: None}, writes=True)
def delete_session(session_id: UUID) -> None:
    """Forget a conversation for good."""
    conversations.delete_session(current_session(), actor=current_actor(), session_id=session_id)
