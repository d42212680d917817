"""`medical-ai cert-check`: whether the certificate will end soon. A timer runs it every day."""

from pathlib import Path
from urllib.parse import urlsplit

import click

from medical_ai.core.config import load_settings
from medical_ai.core.logging import configure_logging, get_logger
from medical_ai.ops.host.certificates import (
    Certificate,
    CertificateProblem,
    read_certificate,
    read_served,
)
from medical_ai.ops.host.layout import find_layout
from medical_ai.ops.host.privileges import require_readable
from medical_ai.ops.host.words import in_sentences, stop

RENEW = "certbot renew && systemctl reload nginx"


@click.command("cert-check", help="Tell how long the certificate is good for; exit 1 when it ends.")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 365))
@click.option("--address", default="127.0.0.1", show_default=True, help="Where nginx listens.")
@click.option("--port", default=0, help="Its port; 0: that of PUBLIC_URL.")
@click.option("--file", type=click.Path(path_type=Path), help="Another file than certbot's.")
@in_sentences
def cert_check(days: int, address: str, port: int, file: Path | None) -> None:
    """Look at the certificate on disk and at the one that is really served."""
    layout = find_layout()
    require_readable(layout.env_file, "cert-check")
    settings = load_settings()
    configure_logging(settings, process="cert-check")
    url = urlsplit(settings.public_url)
    path = file or layout.certificate(settings.public_url)
    try:
        served = read_served(url.hostname or "", address=address, port=port or url.port or 443)
        click.echo(f"served: {_spell(served)}")
    except CertificateProblem as error:
        stop(f"{error}. Run: sudo medical-ai doctor")
    differs = _differs(path, served)
    if served.days_left < days:
        get_logger().error("certificate.expires-soon", count=served.days_left, host=url.hostname)
        stop(f"It ends in {served.days_left} days; less than {days} is too soon. Run: {RENEW}")
    if differs:
        stop("nginx serves another one than lies on disk. Run: systemctl reload nginx")


def _differs(path: Path, served: Certificate) -> bool:
    """Say what lies on disk, where we may look, and whether it is another one."""
    try:
        on_disk = read_certificate(path)
    except CertificateProblem as error:
        click.echo(f"on disk: {error}")  # its folder is root's; the timer runs as the service
        return False
    click.echo(f"on disk: {_spell(on_disk)}")
    return on_disk.fingerprint != served.fingerprint


def _spell(certificate: Certificate) -> str:
    signed = ", signed by itself" if certificate.is_self_signed else ""
    return f"{certificate.days_left} days left{signed}"
