"""Alerts, board and probes: read by the tools themselves, and naming what there really is."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests
from flask import json

from medical_ai.bootstrap import create_app
from medical_ai.ops.health import HealthProbe
from medical_ai.ops.metrics import render_all
from tests.support.processes import ROOT, free_port, web
from tests.support.settings import make_settings
from tests.support.stores import Store, sqlite_settings
from tests.support.waiting import wait_until

FOLDER = ROOT / "deploy/monitoring"
RULES = (FOLDER / "medical-ai.rules.yml").read_text()
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="deploy/system-packages.sh test installs prometheus"
)


def promtool(*arguments: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Ask Prometheus's own tool."""
    command = ["promtool", *arguments]
    return subprocess.run(
        command, cwd=FOLDER, input=given, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a running installation tells."""
    settings = sqlite_settings(tmp_path_factory.mktemp("figures"))
    store = Store(settings)
    app = create_app(settings)
    client = app.test_client()
    client.get("/auth/me")
    client.post("/auth/login", json={"email": "a@example.org", "password": "x"})
    text = client.get("/metrics").get_data(as_text=True)
    store.database.dispose()
    return text


@needs_promtool
def test_prometheus_reads_rules_and_configuration() -> None:
    for arguments in (
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "medical-ai.rules.yml"),
    ):
        checked = promtool(*arguments)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_promtool
def test_every_alert_is_raised_by_its_cause_and_by_nothing_else() -> None:
    tested = promtool("test", "rules", "medical-ai.rules.test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_has_its_case_and_its_runbook() -> None:
    cases = (FOLDER / "medical-ai.rules.test.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)", RULES)
    assert len(alerts) == len(set(alerts)) >= 20
    for alert in alerts:
        assert f'alertname="{alert}"' in cases, alert
    runbooks = re.findall(r"runbook: (\S+)", RULES)
    assert len(runbooks) == len(alerts)
    for runbook in runbooks:
        assert (ROOT / runbook).is_file(), runbook


@needs_promtool
def test_prometheus_reads_the_figures_without_a_complaint(figures: str) -> None:
    checked = promtool("check", "metrics", given=figures)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alerts_and_board_name_figures_that_there_are(figures: str) -> None:
    there = set(re.findall(r"^# TYPE (medical_ai_\w+)", figures, flags=re.MULTILINE))
    there |= {f"{name}_{part}" for name in there for part in ("count", "bucket", "sum")}
    # Told only once a worker and reminders have been there.
    there |= {"medical_ai_worker_heartbeat_age_seconds", "medical_ai_reminder_lateness_p99_seconds"}
    source = (ROOT / "medical_ai/ops/metrics.py").read_text()
    assert '"medical_ai_worker_heartbeat_age_seconds"' in source
    assert '"medical_ai_reminder_lateness_p99_seconds"' in source
    board = (FOLDER / "grafana-board.json").read_text()
    named = set(re.findall(r"\bmedical_ai_\w+", RULES + board)) - {"medical_ai_health"}
    assert named - there == set()


def test_the_board_is_one_that_grafana_can_import() -> None:
    board = json.loads((FOLDER / "grafana-board.json").read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(panel["targets"][0]["expr"] and panel["title"] for panel in panels)
    spaces = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
    assert len(set(spaces)) == len(spaces)


def test_the_probes_ask_for_what_health_really_says(tmp_path: Path) -> None:
    store = Store(sqlite_settings(tmp_path))
    body = HealthProbe(store.database).look().body.decode()
    blackbox = re.search(r"- '(.+connected.+)'", (FOLDER / "blackbox.yml").read_text())
    assert blackbox is not None
    assert re.search(blackbox.group(1), body)
    for wanted in re.findall(
        r"-s '([^']+connected[^']+)'", (FOLDER / "check_http.cfg").read_text()
    ):
        assert wanted in body
    store.database.dispose()


def test_figures_of_an_installation_without_tables_say_that_it_is_away(tmp_path: Path) -> None:
    app = create_app(make_settings(data_dir=tmp_path))
    text = render_all(app.extensions["medical_ai.health"]).decode()
    assert "medical_ai_database_up 0.0" in text


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")
def test_prometheus_scrapes_an_installation_and_judges_it(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path, trusted_proxy_hops=1)
    Store(settings).database.dispose()
    port = free_port()
    shutil.copy(FOLDER / "medical-ai.rules.yml", tmp_path)
    with web(settings, tmp_path) as site:
        shipped = (FOLDER / "prometheus.yml").read_text().replace("15s", "1s")
        here = shipped.replace("127.0.0.1:5000", site.address.removeprefix("http://"))
        (tmp_path / "prometheus.yml").write_text(here)
        command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml"]
        command += [
            f"--storage.tsdb.path={tmp_path}/series",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with (tmp_path / "prometheus.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}/api/v1"

            def ask(query: str) -> list[str]:
                try:
                    answer = requests.get(f"{address}/query", {"query": query}, timeout=5)
                except requests.ConnectionError:
                    return []
                if not answer.ok:  # it starts
                    return []
                return [one["value"][1] for one in answer.json()["data"]["result"]]

            wait_until(
                lambda: ask('up{job="medical-ai"}') == ["1"], seconds=20, what="it is scraped"
            )
            assert ask("medical_ai_database_up") == ["1"]
            # No worker was ever there: the alert waits for its minute.
            waiting = 'count(ALERTS{alertname="MedicalAIWorkerAway"})'
            wait_until(lambda: ask(waiting) == ["1"], seconds=20, what="the rules are asked")
            groups = requests.get(f"{address}/rules", timeout=5).json()["data"]["groups"]
            rules = [rule for group in groups for rule in group["rules"]]
            assert {rule["lastError"] for rule in rules if "lastError" in rule} <= {""}
            assert len(rules) >= 20
        finally:
            process.terminate()
            process.wait(timeout=20)
