"""The certificate: readable, of its key, for our name, in time, and really the one served."""

from urllib.parse import urlsplit

from medical_ai.ops.host.certificates import (
    Certificate,
    CertificateProblem,
    read_certificate,
    read_served,
)
from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.findings import Finding, fail, ok, warn

WARN_DAYS = 30
RENEW = "certbot renew && systemctl reload nginx"
RELOAD = "nginx -t && systemctl reload nginx"


def check_certificate(host: Host) -> Finding:
    """Tell whether the certificate on disk is good."""
    try:
        certificate = read_certificate(host.layout.certificate(host.settings.public_url))
        fits = certificate.fits_key(host.layout.private_key(host.settings.public_url))
    except CertificateProblem as error:
        return fail(str(error), RENEW)
    return judge(certificate, name_of(host), fits=fits)


def check_served(host: Host) -> Finding:
    """Tell whether nginx serves the certificate that lies on disk."""
    try:
        served = read_served(name_of(host), address=host.address, port=port_of(host))
        on_disk = read_certificate(host.layout.certificate(host.settings.public_url))
    except CertificateProblem as error:
        return fail(str(error), "systemctl status nginx")
    if served.fingerprint != on_disk.fingerprint:
        return fail(
            f"nginx serves another one than lies on disk ({served.days_left} days left,"
            f" on disk {on_disk.days_left})",
            RELOAD,
        )
    return ok(f"nginx serves the one on disk, {served.days_left} days left")


def judge(certificate: Certificate, host: str, *, fits: bool) -> Finding:
    """Return what there is to say of a certificate."""
    days = certificate.days_left
    if not fits:
        return fail("the key beside it is another one's", f"{RENEW} --force-renewal")
    if not certificate.names(host):
        return fail(f"it is not for {host}", f"certbot certonly --nginx -d {host}")
    if not certificate.is_valid_yet:
        return fail("its time has not begun", "timedatectl: is the clock right?")
    if days < 0:
        return fail(f"it ended {-days} days ago", RENEW)
    if days < WARN_DAYS:
        return warn(f"{days} days left", RENEW)
    signed = ", signed by itself" if certificate.is_self_signed else ""
    return ok(f"{days} days left{signed}")


def name_of(host: Host) -> str:
    """Return the name people open."""
    return urlsplit(host.settings.public_url).hostname or "localhost"


def port_of(host: Host) -> int:
    """Return the port people open."""
    return urlsplit(host.settings.public_url).port or 443
