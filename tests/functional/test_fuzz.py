"""A fuzzer driven by the API's own description finds no fault and no undocumented answer.

Deterministic and bounded, against a running site, with two users who must not reach each other.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from tests.support.people import PASSWORD, create_patient_account
from tests.support.processes import pinned, web

LEFT_OUT = "positive_data_acceptance"
"""An e-mail may be well-formed and taken, a day valid and over: that is no fault."""
EXAMPLES = 12
SEED = 20_261_121
CONFIGURATION = """
[auth.wfc]
path = "{users}"
refresh_interval = 1
peers = ["alice", "carla"]
"""


def users(names: tuple[str, ...]) -> dict[str, object]:
    """Say how each of the users signs in (Web Fuzzing Commons)."""
    return {
        "auth": [
            {
                "name": name,
                "loginEndpointAuth": {
                    "verb": "POST",
                    "endpoint": "/auth/login",
                    "contentType": "application/json",
                    "payloadRaw": json.dumps(
                        {"email": f"{name}@example.org", "password": PASSWORD}
                    ),
                    "token": {
                        "extractFrom": "body",
                        "extractSelector": "/access_token",
                        "sendIn": "header",  # codespell:ignore
                        "sendName": "Authorization",
                        "sendTemplate": "Bearer {token}",
                    },
                },
            }
            for name in names
        ]
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.settings(trusted_proxy_hops=0)
@pytest.mark.usefixtures("people")
def test_the_fuzzer_finds_nothing(database: Database, settings: Settings, tmp_path: Path) -> None:
    with database.unit_of_work() as session:
        create_patient_account(session, "carla")
    (tmp_path / "users.json").write_text(json.dumps(users(("alice", "carla"))))
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION.format(users=tmp_path / "users.json"))
    with web(pinned(settings), tmp_path) as site:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", configuration),
                *("run", f"{site.address}/openapi.json", "--no-color", "--continue-on-failure"),
                *("--checks", "all", "--exclude-checks", LEFT_OUT),
                *("--phases", "examples,coverage,fuzzing,stateful", "--mode", "all"),
                *("--max-examples", str(EXAMPLES), "--seed", str(SEED)),
                *("--generation-deterministic", "--no-shrink"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
