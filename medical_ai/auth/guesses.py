"""Wrong passwords: each makes the next try wait longer, and a stranger never holds up the owner.

An account has one budget for all clients that were never signed in to it, and one for each that
was. Whoever hammers it from outside makes outsiders wait and nobody else. Accounts that do not
exist have budgets, too, so that nothing is learned from a delay. See ADR 10.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from medical_ai.auth.models import ThrottleWindow
from medical_ai.auth.throttle import too_many
from medical_ai.core import clock
from medical_ai.core.database import Database, rows_changed, upsert
from medical_ai.core.errors import TooManyRequests

SCOPE = "guess"
FREE_TRIES = 5
FIRST_DELAY_SECONDS = 2
FORGIVEN_AFTER = timedelta(days=1)
"""Old windows are deleted after the same time, so that both ways of forgetting agree."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One admitted try, counted as wrong until it is forgiven. Without a subject it is not."""

    subject: str
    is_known: bool


def delay_after(tries: int, longest_seconds: int) -> int:
    """Return how many seconds the try after `tries` wrong ones has to wait."""
    if tries < FREE_TRIES:
        return 0
    doublings = min(tries - FREE_TRIES, 30)
    return min(longest_seconds, FIRST_DELAY_SECONDS << doublings)


def admit_guess(database: Database, *, account: str, client: str | None) -> Guess:
    """Count one try at an account in its own transaction, before its password is looked at.

    `account` is what was typed as the address; `client` is the mark of one known to the account.
    Raises TooManyRequests while the client has to wait, whether or not the password is right.
    """
    if not database.settings.ratelimit_enabled:
        return Guess("", is_known=False)
    guess = Guess(hashlib.sha256(f"{account}\n{client or ''}".encode()).hexdigest(), bool(client))
    with database.unit_of_work() as session:
        refusal = _count(session, database, guess)
    if refusal is not None:
        raise refusal
    return guess


def forgive_guess(session: Session, guess: Guess) -> None:
    """Take an admitted try back, for its password was right.

    A client that was known begins anew. The budget of strangers gets back this one try alone, or
    every sign-in of the owner from elsewhere would let a guesser go on.
    """
    mine = (ThrottleWindow.scope == SCOPE, ThrottleWindow.subject == guess.subject)
    if guess.is_known:
        rows_changed(session, delete(ThrottleWindow).where(*mine))
    else:
        taken_back = {"attempts": ThrottleWindow.attempts - 1, "open_again_at": clock.now()}
        rows_changed(
            session,
            update(ThrottleWindow).where(*mine, ThrottleWindow.attempts > 0).values(taken_back),
        )


def _count(session: Session, database: Database, guess: Guess) -> TooManyRequests | None:
    now = clock.now()
    row = {"scope": SCOPE, "subject": guess.subject, "opened_at": now, "attempts": 0}
    # 1. The row is there and locked: of many that come at once, each sees the count before it.
    session.execute(upsert(database, ThrottleWindow, row, [("attempts", ThrottleWindow.attempts)]))
    window = session.scalars(
        select(ThrottleWindow)
        .where(ThrottleWindow.scope == SCOPE, ThrottleWindow.subject == guess.subject)
        .with_for_update()
    ).one()
    # 2. Who must wait is not counted again: knocking on does not lengthen the delay.
    now = clock.now()
    if window.open_again_at is not None and window.open_again_at > now:
        return too_many(math.ceil((window.open_again_at - now).total_seconds()))
    # 3. Counted as wrong before anybody knows whether it is.
    is_old = window.opened_at <= now - FORGIVEN_AFTER
    window.attempts = 1 if is_old else window.attempts + 1
    window.opened_at = now
    longest = database.settings.login_delay_longest_seconds
    window.open_again_at = now + timedelta(seconds=delay_after(window.attempts, longest))
    return None
