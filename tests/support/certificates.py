"""Certificates of our own making: an authority, and servers' certificates it signs."""

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from medical_ai.core import clock

Key = ec.EllipticCurvePrivateKey


class Authority:
    """Signs certificates; `file` is what clients must trust."""

    def __init__(self, folder: Path) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.file = folder / "authority.pem"
        signed = _build(self.name, self.name, self.key, days=3650)
        signed = signed.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        certificate = signed.sign(self.key, hashes.SHA256())
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, folder: Path, *names: str, days: int = 90, begins: int = -1) -> Key:
        """Write `fullchain.pem` and `privkey.pem` for these names, and return the key."""
        return _issue(folder, names, days, begins, self)


def sign_by_itself(folder: Path, *names: str, days: int = 90) -> Key:
    """Write a certificate that nobody else signed."""
    return _issue(folder, names, days, -1, None)


def _issue(
    folder: Path, names: tuple[str, ...], days: int, begins: int, authority: Authority | None
) -> Key:
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    issuer = authority.name if authority else subject
    built = _build(subject, issuer, key, days=days, begins=begins).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False
    )
    certificate = built.sign(authority.key if authority else key, hashes.SHA256())
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return key


def _build(
    subject: x509.Name, issuer: x509.Name, key: Key, *, days: int, begins: int = -1
) -> x509.CertificateBuilder:
    now: datetime = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now + timedelta(days=begins), now + timedelta(days=days - 1)))
        .not_valid_after(now + timedelta(days=days, hours=1))
    )
