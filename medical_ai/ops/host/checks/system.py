"""The machine: its units, ports, clock, load and memory, and nginx's configuration."""

import os
import re
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.findings import Finding, fail, ok, together, warn
from medical_ai.ops.host.layout import SERVICES, SOCKET, TIMERS
from medical_ai.ops.host.programs import ProgramMissing, run, show_unit

RESTARTS = 3
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata")
PORTS = {80: "nginx", 443: "nginx", 5000: "systemd"}
"""Who must listen where: systemd holds the application's own port for it."""
ALSO_GOOD = {5000: frozenset({"systemd", "gunicorn", "medical-ai-assi"})}
USERS = re.compile(r'users:\(\("([^"]+)"')


def check_units(_host: Host) -> Finding:
    """Tell whether the units run and stay running."""
    try:
        findings = [_look_at_unit(unit) for unit in (SOCKET, *SERVICES)]
    except ProgramMissing:
        return warn("there is no systemd here", "Look at the processes by hand: ps aux")
    return together(findings, good="web and worker run")


def _look_at_unit(unit: str) -> Finding:
    shown = show_unit(unit, "ActiveState", "SubState", "NRestarts", "LoadState")
    state, restarts = shown.get("ActiveState", ""), int(shown.get("NRestarts") or 0)
    if shown.get("LoadState") == "not-found":
        return fail(f"{unit} is not installed", "sudo deploy/install.sh")
    if state not in {"active", "reloading"}:
        return fail(
            f"{unit} is {state} ({shown.get('SubState', '')})",
            f"systemctl restart {unit}; journalctl -u {unit} -n 50",
        )
    if restarts > RESTARTS:
        return warn(f"{unit} was restarted {restarts} times", f"journalctl -u {unit} -p warning")
    return ok("")


def check_timers(_host: Host) -> Finding:
    """Tell whether the timers of backup, restore proof and certificate are on."""
    try:
        off = [
            one for one in TIMERS if show_unit(one, "ActiveState").get("ActiveState") != "active"
        ]
    except ProgramMissing:
        return warn("there is no systemd here", "Run the backup by another scheduler.")
    if off:
        return fail(f"off: {', '.join(off)}", f"systemctl enable --now {' '.join(off)}")
    return ok(f"{len(TIMERS)} timers are on")


def check_ports(_host: Host) -> Finding:
    """Tell whether the right programs listen on the ports."""
    ran = run("ss", "--no-header", "--listening", "--tcp", "--numeric", "--processes")
    if ran.code != 0:
        return fail("ss cannot list the ports", "apt-get install iproute2")
    return together([judge_port(ran.out, port) for port in PORTS], good="80, 443 and 5000 are held")


def judge_port(listing: str, port: int) -> Finding:
    """Return whether the right program listens on a port, after what `ss` lists."""
    lines = [one for one in listing.splitlines() if re.search(rf":{port}\s", one)]
    wanted = PORTS[port]
    if not lines:
        unit = SOCKET if port == 5000 else "nginx"  # noqa: PLR2004 - the application's own port
        return fail(f"nobody listens on port {port}", f"systemctl restart {unit}")
    names = {name for line in lines for name in USERS.findall(line)}
    if wrong := names - ALSO_GOOD.get(port, frozenset({wanted})):
        return fail(f"{', '.join(sorted(wrong))} holds port {port}", f"ss -ltnp 'sport = :{port}'")
    return ok("")


def check_clock(_host: Host) -> Finding:
    """Tell whether the clock is kept by NTP."""
    try:
        ran = run("timedatectl", "show", "--property=NTPSynchronized", "--value")
    except ProgramMissing:
        return warn("timedatectl is not on this host", "Keep the clock by NTP.")
    if ran.code != 0:
        return warn("timedatectl does not answer", "systemctl status systemd-timedated")
    if ran.out.strip() != "yes":
        return warn(
            "it is not synchronised", "timedatectl set-ntp true; timedatectl timesync-status"
        )
    return ok("synchronised")


def check_load(_host: Host) -> Finding:
    """Tell whether the machine has breath left."""
    processors = os.cpu_count() or 1
    return judge_load(
        os.getloadavg()[1], processors, Path("/proc/meminfo").read_text(encoding="ascii")
    )


def judge_load(load: float, processors: int, meminfo: str) -> Finding:
    """Return how busy it is: the load of five minutes, and the memory that is left."""
    sizes = dict(re.findall(r"^(\w+): +(\d+)", meminfo, flags=re.MULTILINE))
    left = 100 * int(sizes["MemAvailable"]) // int(sizes["MemTotal"])
    findings = []
    if load > 2 * processors:
        findings.append(
            warn(
                f"the load is {load:.1f} on {processors} processors",
                "top -o %CPU; see docs/runbooks",
            )
        )
    if left < 5:  # noqa: PLR2004 - percent
        findings.append(fail(f"{left} % of the memory is left", "ps aux --sort=-rss | head"))
    elif left < 15:  # noqa: PLR2004 - percent
        findings.append(warn(f"{left} % of the memory is left", "ps aux --sort=-rss | head"))
    return together(
        findings, good=f"load {load:.1f} on {processors} processors, {left} % memory left"
    )


def check_nginx(_host: Host) -> Finding:
    """Tell whether nginx accepts its configuration."""
    try:
        ran = run("nginx", "-t", "-q")
    except ProgramMissing:
        return fail("nginx is not installed", "sudo deploy/install.sh")
    if ran.code != 0:
        why = next((line for line in ran.out.splitlines() if "[emerg]" in line), ran.last_line)
        return fail(
            f"it refuses its configuration: {why.removeprefix('nginx: ')}",
            "nginx -t; mend what it names, then: systemctl reload nginx",
        )
    return ok("it accepts its configuration")


def check_zones(_host: Host) -> Finding:
    """Tell whether time zones can be read: without them no dose has a time."""
    try:
        for name in ZONES:
            ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return fail("there are no time zones", "apt-get install --reinstall tzdata")
    return ok("they can be read")
