"""32 refreshes of the same token at once, over HTTP, against gunicorn."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import requests

from medical_ai.core.config import Settings
from tests.support.http import PROBLEM
from tests.support.people import PASSWORD, Person
from tests.support.processes import pinned, web

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
AT_ONCE = 32


@BOTH
@pytest.mark.timeout(120)
@pytest.mark.settings(trusted_proxy_hops=0, refresh_grace_seconds=30)
def test_of_32_refreshes_one_succeeds_and_no_session_is_lost(
    settings: Settings, alice: Person, tmp_path: Path
) -> None:
    with web(pinned(settings), tmp_path) as site:
        for _ in range(3):
            granted = site.sign_in(alice.email, PASSWORD)
            start = Barrier(AT_ONCE)

            def refresh(token: str, gate: Barrier) -> requests.Response:
                gate.wait()
                return requests.post(
                    f"{site.address}/auth/refresh",
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=30,
                )

            with ThreadPoolExecutor(AT_ONCE) as pool:
                answers = list(
                    pool.map(refresh, [granted["refresh_token"]] * AT_ONCE, [start] * AT_ONCE)
                )
            won = [one.json() for one in answers if one.status_code == 200]
            lost = [one for one in answers if one.status_code != 200]
            assert len(won) == 1
            assert {(one.status_code, one.headers["Content-Type"]) for one in lost} == {
                (401, PROBLEM)
            }
            assert {one.json()["type"] for one in lost} == {
                "urn:medical-ai:problem:token-superseded"
            }
            site.bear(won[0]["access_token"])
            assert site.get("/auth/me").status_code == 200
            site.bear(won[0]["refresh_token"])
            assert site.post("/auth/refresh").status_code == 200


@BOTH
@pytest.mark.timeout(120)
@pytest.mark.settings(
    trusted_proxy_hops=0, refresh_grace_seconds=30, access_token_seconds=1, cookie_secure=False
)
def test_of_32_pages_opened_at_once_every_one_is_shown_and_no_session_is_lost(
    settings: Settings, alice: Person, tmp_path: Path
) -> None:
    with web(pinned(settings), tmp_path) as site:
        granted = site.sign_in(alice.email, PASSWORD)
        start = Barrier(AT_ONCE)

        def open_page(_: int) -> requests.Response:
            start.wait()
            return requests.get(
                f"{site.address}/app/settings/sessions",
                cookies={"refresh": granted["refresh_token"]},
                allow_redirects=False,
                timeout=30,
            )

        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(open_page, range(AT_ONCE)))
        assert {one.status_code for one in answers} == {200}
        renewed = [one.cookies["refresh"] for one in answers if "refresh" in one.cookies]
        assert len(renewed) == 1
        site.bear(renewed[0])
        assert site.post("/auth/refresh").status_code == 200
