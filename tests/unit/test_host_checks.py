"""What needs no database: each check where all is well, and where it is not."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, reset_tzpath

import pytest

from medical_ai.core import clock
from medical_ai.ops.backups.service import BACKUP
from medical_ai.ops.host.certificates import CertificateProblem, read_certificate
from medical_ai.ops.host.checks import backups, certificate, disk, secrets, system
from medical_ai.ops.host.checks.registry import Check, Host, run_checks
from medical_ai.ops.host.findings import Finding, Level, ok
from tests.support.certificates import Authority, sign_by_itself
from tests.support.host import NAME, Installation, add_program, host_of, only_programs
from tests.support.settings import make_settings
from tests.support.tls import serving

URL = f"https://{NAME}"
MEMORY = "MemTotal: 1000 kB\nMemAvailable: {left} kB\n"
LISTENING = """
LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=1,fd=6))
LISTEN 0 511 [::]:443 [::]:* users:(("nginx",pid=1,fd=7))
LISTEN 0 511 127.0.0.1:5000 0.0.0.0:* users:(("gunicorn",pid=9,fd=3),("systemd",pid=1,fd=40))
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with nothing on it."""
    return host_of(make_settings(public_url=URL, data_dir=tmp_path / "data"), tmp_path)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the host's programs: what is not in it is not installed."""
    folder = tmp_path / "programs"
    for name in ("cat", "sleep"):
        add_program(folder, name, f'exec {shutil.which(name)} "$@"')
    monkeypatch.setattr("medical_ai.ops.host.programs.SYSTEM_PLACES", str(folder))
    only_programs(monkeypatch, folder)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def level(finding: Finding, words: str = "") -> str:
    """Return how bad a finding is; what is bad says how it is mended."""
    assert words in finding.found, finding
    assert (finding.mend == "") is (finding.level is Level.OK), finding
    return finding.level.value


# -- what runs them


def test_a_check_that_raises_or_hangs_has_failed(host: Host) -> None:
    def raises(_host: Host) -> Finding:
        raise ZeroDivisionError("a canary")

    def hangs(_host: Host) -> Finding:
        time.sleep(60)
        return ok("never")

    def dies(_host: Host) -> Finding:
        os._exit(3)

    named = {"raises": raises, "hangs": hangs, "dies": dies, "good": lambda _: ok("fine")}
    results = run_checks(host, [Check(*one) for one in named.items()], seconds=1)
    said = {one.name: one for one in results}
    assert list(said) == list(named)
    assert "ZeroDivisionError" in said["raises"].found
    assert "canary" not in said["raises"].found
    assert "1 seconds" in said["hangs"].found
    assert {one.level for one in results[:3]} == {Level.FAIL}
    assert said["good"].lines() == ["ok   good: fine"]


def test_they_run_side_by_side(host: Host) -> None:
    def slow(_host: Host) -> Finding:
        time.sleep(0.5)
        return ok("slept")

    before = clock.now()
    run_checks(host, [Check(str(number), slow) for number in range(8)], seconds=5)
    assert clock.now() - before < timedelta(seconds=3)


# -- units, timers, ports, clock, load, nginx, time zones

UNIT = "echo LoadState={load}; echo ActiveState={state}; echo SubState=x; echo NRestarts={times}"


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        (("loaded", "active", 0), "ok"),
        (("loaded", "reloading", 1), "ok"),
        (("not-found", "inactive", 0), "FAIL"),
        (("loaded", "failed", 0), "FAIL"),
        (("loaded", "active", 9), "warn"),
    ],
)
def test_units(host: Host, programs: Path, unit: tuple[str, str, int], wanted: str) -> None:
    load, state, times = unit
    add_program(programs, "systemctl", UNIT.format(load=load, state=state, times=times))
    assert level(system.check_units(host)) == wanted


def test_units_without_systemd(host: Host, programs: Path) -> None:
    assert level(system.check_units(host), "no systemd") == "warn"
    assert level(system.check_timers(host), "no systemd") == "warn"
    add_program(programs, "systemctl", "echo System has not been booted >&2; exit 1")
    assert level(system.check_units(host), "no systemd") == "warn"


def test_timers(host: Host, programs: Path) -> None:
    add_program(programs, "systemctl", "echo ActiveState=active")
    assert level(system.check_timers(host)) == "ok"
    add_program(programs, "systemctl", "echo ActiveState=inactive")
    assert level(system.check_timers(host), "medical-ai-backup.timer") == "FAIL"


def test_ports(host: Host, programs: Path) -> None:
    add_program(programs, "ss", f"cat <<'E'\n{LISTENING}\nE")
    assert level(system.check_ports(host)) == "ok"
    add_program(programs, "ss", f"cat <<'E'\n{LISTENING.replace(':443', ':444')}\nE")
    assert level(system.check_ports(host), "nobody listens on port 443") == "FAIL"
    add_program(programs, "ss", f"cat <<'E'\n{LISTENING.replace('nginx', 'apache2')}\nE")
    assert level(system.check_ports(host), "apache2 holds port 80") == "FAIL"
    add_program(programs, "ss", "exit 1")
    assert level(system.check_ports(host)) == "FAIL"


def test_clock(host: Host, programs: Path) -> None:
    assert level(system.check_clock(host), "not on this host") == "warn"
    for answer, wanted in (("echo yes", "ok"), ("echo no", "warn"), ("exit 1", "warn")):
        add_program(programs, "timedatectl", answer)
        assert level(system.check_clock(host)) == wanted


def test_load() -> None:
    assert level(system.judge_load(1.0, 2, MEMORY.format(left=500))) == "ok"
    assert level(system.judge_load(9.0, 2, MEMORY.format(left=500)), "load is 9.0") == "warn"
    assert level(system.judge_load(1.0, 2, MEMORY.format(left=100)), "10 %") == "warn"
    assert level(system.judge_load(1.0, 2, MEMORY.format(left=20)), "2 %") == "FAIL"


def test_this_machine_has_a_load(host: Host) -> None:
    assert system.check_load(host).found


def test_nginx(host: Host, programs: Path) -> None:
    assert level(system.check_nginx(host), "not installed") == "FAIL"
    add_program(programs, "nginx", "exit 0")
    assert level(system.check_nginx(host)) == "ok"
    add_program(programs, "nginx", 'echo "[emerg] unknown directive" >&2; echo test failed; exit 1')
    assert level(system.check_nginx(host), "unknown directive") == "FAIL"


def test_time_zones(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    assert level(system.check_zones(host)) == "ok"

    def none(name: str) -> ZoneInfo:
        raise system.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(system, "ZoneInfo", none)
    assert level(system.check_zones(host)) == "FAIL"
    assert TZPATH or reset_tzpath() is None


# -- disk


def test_disk(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    assert level(disk.check_disk(host), "there is no") == "FAIL"
    host.data.mkdir()
    for shares, wanted in (((50, 1), "ok"), ((80, 1), "warn"), ((2, 95), "FAIL")):
        monkeypatch.setattr(disk, "percent_used", lambda _folder, shares=shares: shares)
        assert level(disk.check_disk(host)) == wanted


def test_a_disks_share_is_what_df_says(tmp_path: Path) -> None:
    used = disk.percent_used(tmp_path)
    command = ["df", "--output=pcent,ipcent", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = [int(one) if one != "-" else 0 for one in said.replace("%", "").split()[2:]]
    assert all(abs(a - b) <= 1 for a, b in zip(used, theirs, strict=True))


# -- certificate


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs certificates here."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def live(host: Host) -> Path:
    """The folder in which the certificate is looked for."""
    return host.layout.certificate(URL).parent


def test_certificate_on_disk(host: Host, live: Path, authority: Authority) -> None:
    assert level(certificate.check_certificate(host), "No such file") == "FAIL"
    for names, days, begins, wanted, words in (
        ((NAME,), 90, -1, "ok", "90 days left"),
        (("*.example.org",), 90, -1, "ok", ""),
        ((NAME,), 29, -1, "warn", "29 days left"),
        ((NAME,), -2, -9, "FAIL", "ended"),
        (("other.example.org",), 90, -1, "FAIL", f"not for {NAME}"),
        ((NAME,), 90, 5, "FAIL", "not begun"),
    ):
        authority.issue(live, *names, days=days, begins=begins)
        assert level(certificate.check_certificate(host), words) == wanted


def test_a_key_that_does_not_fit(host: Host, live: Path, authority: Authority) -> None:
    authority.issue(live, NAME)
    key = (live / "privkey.pem").read_bytes()
    authority.issue(live, NAME)
    (live / "privkey.pem").write_bytes(key)
    assert level(certificate.check_certificate(host), "another one's") == "FAIL"
    (live / "privkey.pem").write_text("no key")
    assert level(certificate.check_certificate(host), "no private key") == "FAIL"
    (live / "fullchain.pem").write_text("no certificate")
    assert level(certificate.check_certificate(host), "no certificate") == "FAIL"


def test_a_certificate_signed_by_itself_is_said(host: Host, live: Path) -> None:
    sign_by_itself(live, NAME)
    assert level(certificate.check_certificate(host), "signed by itself") == "ok"
    assert read_certificate(live / "fullchain.pem").is_self_signed


@pytest.fixture
def served(live: Path, authority: Authority) -> Iterator[int]:
    """A server with the certificate that lies on disk when it starts."""
    authority.issue(live, NAME)
    with serving(live) as port:
        yield port


def test_the_certificate_that_is_really_served(
    host: Host, live: Path, authority: Authority, served: int
) -> None:
    here = host_of(host.settings, host.layout.root, public_url=f"{URL}:{served}")
    assert level(certificate.check_served(here), "serves the one on disk") == "ok"
    authority.issue(live, NAME, days=365)
    assert level(certificate.check_served(here), "another one than lies on disk") == "FAIL"
    nowhere = host_of(host.settings, host.layout.root, public_url=f"{URL}:9")
    assert level(certificate.check_served(nowhere), "nothing answers") == "FAIL"


def test_a_certificate_that_cannot_be_read_has_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CertificateProblem, match="Is a directory"):
        read_certificate(tmp_path)


# -- secrets and files


def test_secrets(host: Host) -> None:
    assert level(secrets.check_secrets(host)) == "ok"
    same = host.settings.jwt_secret
    twice = host_of(host.settings, host.layout.root, secret_key=same)
    assert level(secrets.check_secrets(twice), "JWT_SECRET is the same as SECRET_KEY") == "FAIL"
    weak = host_of(make_settings(secret_key="short"), host.layout.root)
    assert level(secrets.check_secrets(weak), "SECRET_KEY is too short") == "FAIL"


@pytest.mark.skipif(os.geteuid() != 0, reason="files cannot be given to root")
def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENV_FILE")
    made = Installation(tmp_path / "host")
    host = Host(made.layout, make_settings(data_dir=made.data))
    assert level(secrets.check_files(host)) == "ok"
    file = made.data / "medical_ai.db"
    file.touch(mode=0o600)
    os.chown(file, 12345, 12345)
    assert level(secrets.check_files(host), "belongs to 12345") == "FAIL"
    os.chown(file, 0, 0)
    made.data.chmod(0o755)
    assert level(secrets.check_files(host), "open to more") == "FAIL"


# -- backups


def test_backups() -> None:
    now = clock.now()

    def judge(state: str, at: datetime | None, *, has_failed: bool = False) -> Finding:
        return backups.judge(state, at, kind=BACKUP, has_failed=has_failed)

    assert level(judge("pass", now), "0 hours ago") == "ok"
    assert level(judge("warn", now - timedelta(days=3)), "late; the last was") == "FAIL"
    assert level(judge("warn", now, has_failed=True), "the newest failed; the last good") == "FAIL"
    assert level(judge("warn", None, has_failed=True), "no good one yet") == "FAIL"
    assert level(judge("pass", None), "none yet") == "warn"
    assert level(judge("warn", None), "none yet") == "FAIL"
