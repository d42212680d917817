"""The endpoints of the assistant."""

from tests.functional.access import EVERYBODY, OWNERS_TALK, Row

TALK = "{session_id}"

MATRIX: dict[str, Row] = {
    "chat_api.send_message": ("/chat/message", {"message": "What am I taking?"}, EVERYBODY),
    "chat_api.send_message_older": ("/api/chat/message/", {"message": "Hi"}, EVERYBODY),
    "chat_api.list_sessions": ("/chat/sessions", None, EVERYBODY),
    "chat_api.get_history": (f"/chat/history/{TALK}", None, OWNERS_TALK),
    "chat_api.delete_session": (f"/chat/sessions/{TALK}", None, OWNERS_TALK),
}
