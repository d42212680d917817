"""The one decorator every page wears: the counterpart of `core.api` for browsers."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask.typing import ResponseReturnValue

from medical_ai.core.http import commits, current_actor


def page(
    *, permission: str | None = None, writes: bool = False
) -> Callable[[Callable[..., ResponseReturnValue]], Callable[..., ResponseReturnValue]]:
    """Make a view a page: cookies and form tokens instead of bearer tokens, HTML errors.

    A writer commits once when it returns; see `core.http.commits`.
    """

    def decorate(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        @wraps(view)
        def shown(**arguments: Any) -> ResponseReturnValue:
            if permission is not None:
                current_actor().require(permission)
            return view(**arguments)

        answer = commits(shown) if writes else shown
        answer.is_page = True  # type: ignore[attr-defined]  # read by the guard and the problems
        return answer

    return decorate
