"""The service's own state: the worker, the outbox, the log, mail and the identity provider."""

import smtplib
import ssl

import requests

from medical_ai.audit import sealing
from medical_ai.core.database import Database
from medical_ai.jobs import service as jobs
from medical_ai.ops.heartbeat import read_reminder_health
from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.findings import Finding, fail, ok, warn

LATEST_SECONDS = 60.0
"""A reminder that comes later than this is late; see the promises in README.md."""
RESTART_WORKER = "systemctl restart medical-ai-worker; journalctl -u medical-ai-worker -n 50"


def check_worker(host: Host) -> Finding:
    """Tell whether a worker lives and sends reminders in time."""
    with Database(host.settings).reading() as session:
        health = read_reminder_health(session)
    if health.status != "running":
        since = (
            f", the last tick was at {health.last_tick_at:%Y-%m-%d %H:%M} UTC"
            if health.last_tick_at
            else ""
        )
        return fail(f"no worker runs ({health.status}{since})", RESTART_WORKER)
    late = health.lateness_p99_seconds
    if late is not None and late > LATEST_SECONDS:
        return warn(f"reminders are up to {late:.0f} seconds late", RESTART_WORKER)
    return ok(
        "it runs" if late is None else f"it runs; 99 of 100 reminders within {late:.1f} seconds"
    )


def check_outbox(host: Host) -> Finding:
    """Tell whether work was given up, or waits for too long."""
    with Database(host.settings).reading() as session:
        counts = jobs.count_jobs(session)
    if late := counts["late"]:
        return fail(f"{late} jobs should have begun a while ago", RESTART_WORKER)
    if dead := counts["given-up"]:
        return warn(
            f"{dead} jobs were given up", "journalctl -u medical-ai-worker | grep job.given-up"
        )
    return ok("nothing waits")


def check_audit(host: Host) -> Finding:
    """Tell whether the log is being sealed."""
    with Database(host.settings).reading() as session:
        unsealed = sealing.count_unsealed(session)
    if unsealed:
        return fail(f"{unsealed} events wait for their seal", RESTART_WORKER)
    return ok("every event is sealed")


def check_mail(host: Host) -> Finding:
    """Tell whether the mail server greets us. No mail is sent."""
    settings = host.settings
    if not settings.smtp_host:
        return warn("no mail server is configured: nobody gets e-mail", "Set SMTP_HOST.")
    wait = min(3, settings.smtp_timeout_seconds)
    trust = ssl.create_default_context()
    try:
        server: smtplib.SMTP
        if settings.smtp_security == "tls":
            server = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=wait, context=trust
            )
        else:
            server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=wait)
        with server:
            server.ehlo()
            if settings.smtp_security == "starttls":
                server.starttls(context=trust)
                server.ehlo()
    except (OSError, smtplib.SMTPException) as error:
        return fail(
            f"the mail server does not greet us: {type(error).__name__}",
            f"nc -vz {settings.smtp_host} {settings.smtp_port}; look at SMTP_SECURITY",
        )
    return ok("the mail server greets us")


def check_provider(host: Host) -> Finding:
    """Tell whether the identity provider's discovery answers and names the issuer."""
    issuer = host.settings.oidc_issuer
    if not issuer:
        return ok("none is configured")
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    mend = f"curl -v {address}; see docs/runbooks/identity-provider-away.md"
    try:
        answer = requests.get(address, timeout=3, allow_redirects=False)
        named = answer.json().get("issuer") if answer.status_code == 200 else None  # noqa: PLR2004 - OK
    except (requests.RequestException, ValueError) as error:
        return fail(f"it does not answer: {type(error).__name__}", mend)
    if named != issuer:
        return fail("its discovery names another issuer than OIDC_ISSUER", mend)
    return ok("its discovery answers")
