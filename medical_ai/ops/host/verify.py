"""The deployment checklist, asked from outside: what a visitor, a monitor and an attacker meet."""

import json
import re
import ssl
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

from medical_ai.ops.host.checks.registry import Check, Host
from medical_ai.ops.host.client import Site
from medical_ai.ops.host.doctor import BACKUP, RESTORE_PROOF, TIMERS, UNITS, WORKER
from medical_ai.ops.host.findings import Finding, fail, ok, together, warn
from medical_ai.ops.host.programs import ProgramMissing, run

OK, UNAUTHORIZED, NOT_FOUND, TOO_MANY = 200, 401, 404, 429
MOVED = frozenset({301, 308})
SECURITY_HEADERS = (
    "Strict-Transport-Security", "Content-Security-Policy", "X-Content-Type-Options",
    "X-Frame-Options", "Referrer-Policy", "Permissions-Policy",
)  # fmt: skip
HIDDEN = ("/.git/config", "/.env", "/.git/HEAD")
METRICS = "/metrics"
THIS_HOST = frozenset({"127.0.0.1", "::1", "localhost"})
STATIC_FILE = re.compile(rb'href="(/static/[^"]+\.css[^"]*)"')
MOST_TRIES = 12
NOBODY = json.dumps({"email": "nobody@nobody.invalid", "password": "not a password"}).encode()
NGINX = "nginx -t && systemctl reload nginx; compare with medical-ai-nginx.conf"
SERVICE = "systemctl restart medical-ai; journalctl -u medical-ai -n 50"
LOGROTATE = Path("etc/logrotate.d/medical-ai")


def list_items(site: Site, *, http_port: int) -> tuple[Check, ...]:
    """Return the checklist's items, those from outside first."""
    outside: tuple[tuple[str, Callable[[Site], Finding]], ...] = (
        ("https", look_at_chain),
        ("http", partial(look_at_redirect, port=http_port)),
        ("health", look_at_health),
        ("security headers", look_at_headers),
        ("unknown address", look_at_unknown),
        ("hidden addresses", look_at_hidden),
        ("old TLS", look_at_old_tls),
        ("static files", look_at_static),
        ("sign-in", look_at_sign_in),
    )
    # It must see no root: all of these only talk to a network.
    return (
        *(Check(name, _of_site(look, site), as_service=True) for name, look in outside),
        UNITS,
        WORKER,
        TIMERS,
        Check("logrotate", look_at_logrotate),
        BACKUP,
        RESTORE_PROOF,
    )


def _of_site(look: Callable[[Site], Finding], site: Site) -> Callable[[Host], Finding]:
    def looked(_host: Host) -> Finding:
        try:
            return look(site)
        except OSError as error:
            return fail(f"no answer: {type(error).__name__}", "systemctl status nginx medical-ai")

    return looked


def look_at_chain(site: Site) -> Finding:
    """Tell whether browsers will believe the certificate."""
    try:
        site.ask("/health/live", trust=True)
    except ssl.SSLCertVerificationError as error:
        if "self-signed" in error.verify_message and site.ca is None:
            return warn(
                "the certificate is signed by itself: browsers warn of it",
                "CERTIFICATE=certbot and ACME_EMAIL= in /etc/medical-ai/answers, then"
                " sudo /opt/medical-ai/current/deploy/install.sh",
            )
        return fail(
            f"browsers refuse the certificate: {error.verify_message}", "sudo medical-ai doctor"
        )
    return ok("the certificate is good")


def look_at_redirect(site: Site, *, port: int) -> Finding:
    """Tell whether http leads to https."""
    answer = site.ask_plainly("/login", port=port)
    target = answer.header("Location")
    if answer.status not in MOVED or not target.startswith("https://"):
        return fail(f"http is answered with {answer.status} and not with a redirect", NGINX)
    return ok("http leads to https")


def look_at_health(site: Site) -> Finding:
    """Tell whether the service says that it is healthy."""
    answer = site.ask("/health")
    try:
        status = json.loads(answer.body)["status"]
    except (ValueError, KeyError, TypeError):
        return fail(f"/health answers {answer.status} and no JSON", SERVICE)
    if answer.status != OK or status != "healthy":
        return fail(f"/health says {status}", "sudo medical-ai doctor")
    return ok("healthy")


def look_at_headers(site: Site) -> Finding:
    """Tell whether each security header is there once, on pages and on answers."""
    findings = []
    for path in ("/login", "/health"):
        answer = site.ask(path)
        for name in SECURITY_HEADERS:
            if (count := answer.count(name)) != 1:
                findings.append(fail(f"{name} is there {count} times on {path}", NGINX))
    return together(findings, good="each of them once")


def look_at_unknown(site: Site) -> Finding:
    """Tell whether a program gets problem details for an address that is not there."""
    answer = site.ask("/no-such-address", headers={"Accept": "application/json"})
    if answer.status != NOT_FOUND or "json" not in answer.header("Content-Type"):
        kind = answer.header("Content-Type").partition(";")[0] or "nothing"
        return fail(f"it is answered with {answer.status} and {kind}", NGINX)
    return ok("answered with 404 in JSON")


def look_at_hidden(site: Site) -> Finding:
    """Tell whether nothing is shown that is nobody's business."""
    is_stranger = site.address not in THIS_HOST  # who may read the metrics
    paths = (*HIDDEN, METRICS) if is_stranger else HIDDEN
    shown = [path for path in paths if site.ask(path).status == OK]
    if shown:
        return fail(f"anybody can read {', '.join(shown)}", NGINX)
    if is_stranger:
        return ok("metrics and the repository are not shown")
    return ok("the repository is not shown; to look for the metrics as well, ask with --address")


def look_at_old_tls(site: Site) -> Finding:
    """Tell whether TLS 1.1 is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # deprecated is just what it is
        accepted = site.accepts(ssl.TLSVersion.TLSv1_1)
    if accepted:
        return fail("TLS 1.1 is accepted", NGINX)
    return ok("TLS 1.1 is refused")


def look_at_static(site: Site) -> Finding:
    """Tell whether the styles of the first page may be kept, and come compressed."""
    found = STATIC_FILE.search(site.ask("/login").body)
    if found is None:
        return fail("the sign-in page names no styles", SERVICE)
    answer = site.ask(found[1].decode(), headers={"Accept-Encoding": "gzip"})
    if answer.status != OK:
        return fail(f"its styles are answered with {answer.status}", NGINX)
    findings = []
    if "max-age" not in answer.header("Cache-Control"):
        findings.append(fail("they may not be kept", NGINX))
    if answer.header("Content-Encoding") != "gzip":
        findings.append(fail("they are not compressed", NGINX))
    return together(findings, good="kept and compressed")


def look_at_sign_in(site: Site) -> Finding:
    """Tell whether a wrong password is refused, and trying many is stopped.

    The account does not exist, so that nobody is locked out; this address may not sign in for a
    minute.
    """
    statuses = []
    for _ in range(MOST_TRIES):
        answer = site.ask(
            "/auth/login", method="POST", body=NOBODY, headers={"Content-Type": "application/json"}
        )
        statuses.append(answer.status)
        if answer.status == TOO_MANY:
            break
    strange = set(statuses) - {UNAUTHORIZED, TOO_MANY}
    if strange:
        return fail(f"a wrong password is answered with {min(strange)}", SERVICE)
    if TOO_MANY not in statuses:
        return fail(f"{MOST_TRIES} wrong passwords in a row were not stopped", NGINX)
    return ok(f"wrong passwords are refused, and stopped at try {len(statuses)}")


def look_at_logrotate(host: Host) -> Finding:
    """Tell whether logrotate accepts what it is told about our logs."""
    file = host.layout.root / LOGROTATE
    if not file.exists():
        return fail(f"there is no {file}", "sudo deploy/install.sh")
    try:
        ran = run("logrotate", "--debug", str(file))
    except ProgramMissing:
        return fail("logrotate is not installed", "apt-get install logrotate")
    # Its exit code says nothing of a stanza that it leaves out.
    wrong = [line for line in ran.out.splitlines() if line.startswith("error:")]
    if ran.code != 0 or wrong:
        return fail(
            f"logrotate refuses it: {(wrong or [ran.last_line])[0]}", f"logrotate -d {file}"
        )
    return ok("logrotate accepts its part")
