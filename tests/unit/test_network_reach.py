"""What the web process must reach over IP: its sandbox is made after it."""

from typing import Any

import pytest

from medical_ai.ops.host.network import Reach, find_reach
from tests.support.settings import make_settings


@pytest.mark.parametrize(
    ("changes", "reach"),
    [
        ({}, Reach.NONE),
        ({"database_url": "mysql+pymysql://u@localhost/d?unix_socket=/run/s"}, Reach.NONE),
        ({"database_url": "sqlite:////var/x.db"}, Reach.NONE),
        ({"database_url": "mysql+pymysql://u@localhost/d"}, Reach.LOOPBACK),
        ({"database_url": "mysql+pymysql://u@127.0.0.2:3307/d"}, Reach.LOOPBACK),
        ({"database_url": "mysql+pymysql://u@db.example.org/d"}, Reach.OUTBOUND),
        ({"ratelimit_storage_url": "memory://"}, Reach.NONE),
        ({"ratelimit_storage_url": "redis+unix:///run/redis.sock"}, Reach.NONE),
        ({"ratelimit_storage_url": "redis://localhost:6379"}, Reach.LOOPBACK),
        ({"ratelimit_storage_url": "redis://redis.example.org"}, Reach.OUTBOUND),
        ({"oidc_issuer": "https://login.example.org/"}, Reach.OUTBOUND),
        ({"smtp_host": "mail.example.org"}, Reach.NONE),
        ({"audit_anchor_webhook": "https://hook.example.org"}, Reach.NONE),
    ],
)
def test_it_reaches_as_far_as_it_must_and_no_further(changes: dict[str, Any], reach: Reach) -> None:
    assert find_reach(make_settings(**changes)) is reach


def test_the_farthest_counts() -> None:
    far = {"oidc_issuer": "https://login.example.org/", "database_url": "mysql://u@localhost/d"}
    assert find_reach(make_settings(**far)) is Reach.OUTBOUND
