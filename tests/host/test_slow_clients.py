"""Hundreds of connections that send or read as slowly as they can keep nobody else waiting."""

import re
import time

import pytest

from tests.host.machine import DOMAIN, Machine

pytestmark = pytest.mark.long

PROBER = "10.99.0.60"
CONNECTIONS = 400
LONGEST_SECONDS = 1.0
ATTACKS = {
    "slow headers": f"-H -i 5 -u http://{DOMAIN}/",
    "slow body": f"-B -i 5 -s 8192 -t POST -u http://{DOMAIN}/auth/login",
}
"""On plain http: the tool says no server name, and whoever does not is refused by our TLS."""


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_health_answers_meanwhile(host: Machine, attack: str) -> None:
    host.client(f"ip addr replace {PROBER}/24 dev eth0")
    time.sleep(1)
    slow = host.start(f"ulimit -n 4096; slowhttptest -c {CONNECTIONS} -r 200 -p 3 -l 15 {attack}")
    probe = f"curl -sk --interface {PROBER} -m 5 -o /dev/null -w '%{{http_code}} %{{time_total}}'"
    seen = []
    while slow.poll() is None:
        seen.append(host.client(f"{probe} https://{DOMAIN}/health", check=False).stdout.split())
        time.sleep(0.2)
    said = slow.communicate(timeout=10)[0]
    assert re.search(r"[1-9]\d* *$", said, re.MULTILINE), said  # it did connect
    assert len(seen) > 10, said
    assert {code for code, _ in seen} == {"200"}, seen
    assert max(float(seconds) for _, seconds in seen) < LONGEST_SECONDS, seen
