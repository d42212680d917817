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
    require_readable(path, "cert-check")
    try:
        on_disk = read_certificate(path)
        _say("on disk", on_disk)
        served = read_served(url.hostname or "", address=address, port=port or url.port or 443)
        _say("served", served)
    except CertificateProblem as error:
        stop(f"{error}. Run: sudo medical-ai doctor")
    if served.fingerprint != on_disk.fingerprint:
        click.echo("nginx serves another one than lies on disk. Run: systemctl reload nginx")
    left = min(on_disk.days_left, served.days_left)
    if left < days:
        get_logger().error("certificate.expires-soon", count=left, host=url.hostname)
        stop(f"It ends in {left} days, and less than {days} is too soon. Run: {RENEW}")


def _say(where: str, certificate: Certificate) -> None:
    signed = ", signed by itself" if certificate.is_self_signed else ""
    click.echo(f"{where}: {certificate.days_left} days left{signed}")
