"""The endpoints of the audit log."""

from tests.functional.access import Row, answers

OWN_LOG = answers(alice=200, rest=403)

MATRIX: dict[str, Row] = {
    "access_api.list_own": ("/records/access-log", None, OWN_LOG),
    "access_api.export_own": ("/records/access-log/export", None, OWN_LOG),
    "audit.search": ("/audit", None, answers(dana=200, rest=403)),
}

PAGES: dict[str, Row] = {
    "access.export": ("/app/access-log/export", None, answers(alice=200, rest=403)),
    "access.log_page": ("/app/access-log", None, answers(alice=200, rest=403)),
    "audit.search_page": ("/app/audit", None, answers(dana=200, rest=403)),
}
