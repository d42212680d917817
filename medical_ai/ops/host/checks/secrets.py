"""Secrets and files: there, strong, unlike each other, and in the right hands."""

import base64
from collections.abc import Iterator

from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.core.settings_checks import find_problems
from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.findings import Finding, fail, ok, together
from medical_ai.ops.host.permissions import Wanted, find_loose_files, look_at
from medical_ai.patients.rekeying import RECORD_KEYS

ALONE = ("secret_key", "jwt_secret", "jwt_refresh_secret", "jwt_secret_previous",
         "jwt_refresh_secret_previous")  # fmt: skip


def check_secrets(host: Host) -> Finding:
    """Tell whether the secrets are strong and no two of them are the same."""
    problems = [*find_problems(host.settings), *find_equal(host.settings)]
    mend = "sudo medical-ai rotate-secrets all"
    return together([fail(one, mend) for one in problems], good="strong, and unlike each other")


def check_key_ring(host: Host) -> Finding:
    """Tell whether the ring holds the keys that records are sealed with; it opens none of them."""
    with Database(host.settings).reading() as session:
        unknown = RECORD_KEYS.count_unknown(session)
    if unknown:
        found = f"it lacks the keys of {unknown} record{'' if unknown == 1 else 's'}"
        ring = host.layout.secrets / "encryption_keys"
        mend = f"Put the key they were sealed with back into {ring}: docs/runbooks/lost-secret.md"
        return fail(found, mend)
    return ok("it holds the keys of all records")


def find_equal(settings: Settings) -> Iterator[str]:
    """Return a sentence for each two secrets that are the same."""
    seen: dict[str, str] = {}
    values = [(name, getattr(settings, name).get_secret_value()) for name in ALONE]
    keys = [("encryption_keys", base64.b64encode(key).decode()) for key in settings.ring_keys]
    for name, value in [*values, *keys]:
        if value and value in seen:
            yield f"{name.upper()} is the same as {seen[value].upper()}"
        seen.setdefault(value, name)


def check_files(host: Host) -> Finding:
    """Tell whether settings, secrets, data and logs are in the right hands."""
    user = host.layout.user
    findings = list(find_loose_files(host.layout))
    findings += look_at(Wanted(host.data, user, user, 0o700))
    findings += look_at(Wanted(host.layout.logs, user, "adm", 0o2750))
    findings += look_at(Wanted(host.layout.backups, user, user, 0o700))
    findings += [
        finding
        for one in (sorted(host.data.iterdir()) if host.data.is_dir() else [])
        for finding in look_at(Wanted(one, user, user, 0o700))
    ]
    return together(findings, good="in the right hands")
