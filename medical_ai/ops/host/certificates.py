"""Certificates: what is on disk, what is really served, and how long either is good for."""

import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.hashes import SHA256

from medical_ai.core import clock

CONNECT_SECONDS = 3.0
LARGEST_BYTES = 1_048_576


class CertificateProblem(Exception):
    """A sentence on why there is no certificate to look at."""


@dataclass(frozen=True)
class Certificate:
    """One server's certificate."""

    x509: x509.Certificate

    @property
    def days_left(self) -> int:
        """Whole days until it ends; negative when it has ended."""
        return (self.x509.not_valid_after_utc - clock.now()) // timedelta(days=1)

    @property
    def is_valid_yet(self) -> bool:
        """Tell whether its time has begun."""
        return self.x509.not_valid_before_utc <= clock.now()

    @property
    def fingerprint(self) -> str:
        """What tells it from any other."""
        return self.x509.fingerprint(SHA256()).hex()

    @property
    def is_self_signed(self) -> bool:
        """Tell whether nobody but itself vouches for it."""
        try:
            self.x509.verify_directly_issued_by(self.x509)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def names(self, host: str) -> bool:
        """Tell whether it is for this host, by RFC 6125: a star stands for one label."""
        try:
            extension = self.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return False
        known = {name.lower() for name in extension.value.get_values_for_type(x509.DNSName)}
        known |= {str(one) for one in extension.value.get_values_for_type(x509.IPAddress)}
        return host.lower() in known or f"*.{host.lower().partition('.')[2]}" in known

    def fits_key(self, key_file: Path) -> bool:
        """Tell whether a private key is its own. Raises CertificateProblem."""
        try:
            key = serialization.load_pem_private_key(_read(key_file), password=None)
        except (ValueError, TypeError):
            raise CertificateProblem(f"{key_file} holds no private key") from None
        return _spell(key.public_key()) == _spell(self.x509.public_key())


def read_certificate(file: Path) -> Certificate:
    """Return the first certificate of a file. Raises CertificateProblem."""
    try:
        return Certificate(x509.load_pem_x509_certificate(_read(file)))
    except ValueError:
        raise CertificateProblem(f"{file} holds no certificate") from None


def read_served(host: str, *, address: str, port: int = 443) -> Certificate:
    """Return what a server shows for a host. Raises CertificateProblem."""
    # Anything is taken here: an outdated certificate is just what this looks for.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout=CONNECT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except OSError as error:
        raise CertificateProblem(
            f"nothing answers with TLS on port {port}: {type(error).__name__}"
        ) from None
    return Certificate(x509.load_der_x509_certificate(shown or b""))


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_BYTES)
    except OSError as error:
        raise CertificateProblem(f"{file}: {error.strerror}") from None


def _spell(key: object) -> bytes:
    spelled: bytes = key.public_bytes(  # type: ignore[attr-defined]  # every kind of key has it
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return spelled
