"""A dose falls due while everything that could remind of it is being killed."""

import time
from datetime import UTC, datetime, timedelta

from tests.host.conftest import until_healthy
from tests.host.machine import Machine
from tests.host.people import assert_sent_once, plan_dose, sign_up

SECONDS_AHEAD = 25


def test_it_is_sent_once_however_often_they_die(host: Machine) -> None:
    until_healthy(host)
    token = sign_up(host)
    due = plan_dose(host, token, seconds_ahead=SECONDS_AHEAD)
    while datetime.now(UTC) < due - timedelta(seconds=4):
        time.sleep(0.5)
    kills = 0
    while datetime.now(UTC) < due + timedelta(seconds=12):
        victim = "mariadb" if kills == 2 else "medical-ai-worker"
        host.run(f"systemctl kill --signal=KILL --kill-whom=all {victim}", check=False)
        kills += 1
        time.sleep(3)
    until_healthy(host, 60)
    assert kills >= 4
    assert_sent_once(host, token, due)
