"""Forged tokens: everything that has been tried against JWTs, each by its name."""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from medical_ai.auth.personal_tokens import PREFIX, new_token
from medical_ai.auth.tokens import key_id
from medical_ai.core.config import Settings

Claims = dict[str, Any]
URL = "http://127.0.0.1:9/keys.json"


@dataclass(frozen=True, slots=True)
class Forger:
    """Makes tokens from a genuine one's claims; `honest` ones would be accepted."""

    settings: Settings
    access: Claims
    refresh: Claims

    @property
    def key(self) -> str:
        """Return the genuine access key, which a few forgeries are signed with."""
        return self.settings.jwt_secret.get_secret_value()

    @property
    def refresh_key(self) -> str:
        """Return the genuine refresh key."""
        return self.settings.jwt_refresh_secret.get_secret_value()

    def honest(self) -> str:
        """Return a token that would be accepted, as proof that the forging itself works."""
        return self.sign(self.access)

    def sign(
        self, claims: Any, *, key: str | bytes | None = None, digest: str = "sha256", **header: Any
    ) -> str:
        """Sign claims with HMAC; by default exactly as the application does."""
        key = self.key if key is None else key
        full = {"alg": "HS256", "typ": "JWT", "kid": key_id(self.key)} | header
        full = {name: value for name, value in full.items() if value is not None}
        signed = f"{_encoded(full)}.{_encoded(claims)}"
        secret = key.encode() if isinstance(key, str) else key
        mac = hmac.new(secret, signed.encode(), getattr(hashlib, digest)).digest()
        return f"{signed}.{_b64(mac)}"

    def changed(self, **claims: Any) -> str:
        """Sign with the genuine key, with other claims; a claim that is `...` is left out."""
        mixed = self.access | claims
        return self.sign({name: value for name, value in mixed.items() if value is not ...})


def forgeries(forger: Forger) -> dict[str, str]:
    """Return every forged access token by its name."""
    found: dict[str, str] = {}
    for family in (_unsigned, _wrongly_signed, _misled, _wrong_claims, _damaged):
        found |= dict(family(forger))
    return found


def refresh_forgeries(forger: Forger) -> dict[str, str]:
    """Return forged refresh tokens by their names."""
    kid = key_id(forger.refresh_key)

    def changed(**claims: Any) -> str:
        mixed = {k: v for k, v in (forger.refresh | claims).items() if v is not ...}
        return forger.sign(mixed, key=forger.refresh_key, kid=kid)

    return {
        "access as refresh": forger.honest(),
        "access key with refresh type": forger.sign(forger.refresh),
        "refresh claims, access kid": forger.sign(forger.refresh, key=forger.refresh_key),
        "unknown jti": changed(jti=str(uuid4())),
        "jti left out": changed(jti=...),
        "jti no uuid": changed(jti="x"),
        "jti a number": changed(jti=7),
        "jti null": changed(jti=None),
        "unknown family": changed(fam=str(uuid4())),
        "family left out": changed(fam=...),
        "family no uuid": changed(fam="x"),
        "family a list": changed(fam=[]),
        "expired": changed(exp=_ago(minutes=1)),
    }


def personal_forgeries(genuine: str, revoked: str, token_id: str) -> dict[str, str]:
    """Return texts that look like personal access tokens and are none that holds, by their names.

    `genuine` is one that holds, `token_id` its row's id; `revoked` held once.
    """
    digits = genuine.removeprefix(PREFIX)
    random, checksum = digits[:-8], digits[-8:]
    other = f"{zlib.crc32(b'x'):08x}"
    row_id = token_id.replace("-", "")
    by_id = row_id + "0" * (len(random) - len(row_id))
    return {
        "revoked": revoked,
        "never made": new_token(),
        "prefix alone": PREFIX,
        "without its prefix": digits,
        "another prefix": f"mai_jwt_{digits}",
        "truncated by one": genuine[:-1],
        "truncated by its checksum": genuine[:-8],
        "half of it": genuine[: len(genuine) // 2],
        "longer by one": f"{genuine}0",
        "one digit changed": f"{PREFIX}{'0' if random[0] != '0' else '1'}{random[1:]}{checksum}",
        "another checksum": f"{PREFIX}{random}{other}",
        "digits of one, checksum of another": f"{PREFIX}{random}{revoked[-8:]}",
        "front of one, end of another": f"{genuine[:40]}{revoked[40:]}",
        "upper case": genuine.upper(),
        "upper digits": f"{PREFIX}{digits.upper()}",
        "the id of its row": f"{PREFIX}{by_id}{zlib.crc32(by_id.encode()):08x}",
        "its hash": f"{PREFIX}{hashlib.sha256(genuine.encode()).hexdigest()}{checksum}",
        "twice": f"{genuine}{genuine}",
        "two of them": f"{genuine} {genuine}",
        "after a comma": f"{genuine},{revoked}",
        "with a quote": f"{genuine}' OR '1'='1",
        "a wildcard": f"{PREFIX}{'%' * 64}{checksum}",
        "zeros": f"{PREFIX}{'0' * 72}",
        "latin letters": f"{PREFIX}{'é' * 72}".encode().decode("latin-1"),
        "wide digits": f"{PREFIX}{'０' * 72}".encode().decode("latin-1"),
        "huge": PREFIX + "a" * 60_000,
        "a JWT behind the prefix": f"{PREFIX}{_b64(b'{}')}.{_b64(b'{}')}.",
    }


def _unsigned(forger: Forger) -> Iterator[tuple[str, str]]:
    for alg in ("none", "None", "NONE", "nOnE", "", "null"):
        bare = f"{_encoded({'alg': alg, 'typ': 'JWT'})}.{_encoded(forger.access)}."
        yield f"alg {alg!r} without signature", bare
        yield f"alg {alg!r} with kid", forger.sign(forger.access, alg=alg)
    yield "no alg", forger.sign(forger.access, alg=None)
    header, payload, _ = forger.honest().split(".")
    yield "signature cut off", f"{header}.{payload}."
    yield "signature and its dot cut off", f"{header}.{payload}"


def _wrongly_signed(forger: Forger) -> Iterator[tuple[str, str]]:
    yield "another key", forger.sign(forger.access, key="x" * 48)
    yield "empty key", forger.sign(forger.access, key="")
    yield "the kid as key", forger.sign(forger.access, key=key_id(forger.key))
    yield (
        "the session key",
        forger.sign(forger.access, key=forger.settings.secret_key.get_secret_value()),
    )
    yield "the refresh key", forger.sign(forger.access, key=forger.refresh_key)
    yield (
        "the refresh key and its kid",
        forger.sign(forger.access, key=forger.refresh_key, kid=key_id(forger.refresh_key)),
    )
    yield "HS384", forger.sign(forger.access, alg="HS384", digest="sha384")
    yield "HS512", forger.sign(forger.access, alg="HS512", digest="sha512")
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    yield "a public key as HMAC secret", forger.sign(forger.access, key=pem)
    for alg in ("RS256", "ES256", "PS256", "EdDSA", "ES256K"):
        yield f"key confusion {alg}", forger.sign(forger.access, alg=alg)
    header, payload, signature = forger.honest().split(".")
    yield "another signature", f"{header}.{payload}.{_b64(b'0' * 32)}"
    yield "signature cut short", f"{header}.{payload}.{signature[:20]}"
    tampered = _encoded(forger.access | {"role": "administrator"})
    yield "payload changed", f"{header}.{tampered}.{signature}"
    yield "header changed", f"{_encoded({'alg': 'HS256', 'kid': 'x'})}.{payload}.{signature}"


def _misled(forger: Forger) -> Iterator[tuple[str, str]]:
    evil = "x" * 48
    jwk = {"kty": "oct", "k": _b64(evil.encode()), "kid": "evil", "alg": "HS256"}
    for kid in (
        None, "", "evil", "../../../../dev/null", "/dev/null", "file:///dev/null", "0",
        "' OR '1'='1", "' UNION SELECT 'x", "| sleep 5", URL, "\u0000", 0, True, [], {}, ["a"],
    ):  # fmt: skip
        yield f"kid {kid!r}", forger.sign(forger.access, key=evil, kid=kid)
    yield "empty key of /dev/null", forger.sign(forger.access, key="", kid="/dev/null")
    yield "jku", forger.sign(forger.access, key=evil, kid="evil", jku=URL)
    yield "x5u", forger.sign(forger.access, key=evil, kid="evil", x5u=URL)
    yield "jwk", forger.sign(forger.access, key=evil, kid="evil", jwk=jwk)
    yield "x5c", forger.sign(forger.access, key=evil, kid="evil", x5c=["MIIB"])
    yield "jku beside the right kid", forger.sign(forger.access, key=evil, jku=URL, jwk=jwk)
    yield "unknown critical extension", forger.sign(forger.access, crit=["exp2"], exp2=1)


def _wrong_claims(forger: Forger) -> Iterator[tuple[str, str]]:
    yield (
        "a refresh token",
        forger.sign(forger.refresh, key=forger.refresh_key, kid=key_id(forger.refresh_key)),
    )
    yield "expired", forger.changed(exp=_ago(minutes=1))
    yield "not yet valid", forger.changed(nbf=_ago(minutes=-10))
    yield "expiry is text", forger.changed(exp="tomorrow")
    yield "expiry is a list", forger.changed(exp=[])
    yield "expiry beyond all", forger.changed(exp=-(10**30))
    yield "for another audience", forger.changed(aud="somebody-else")
    yield "for no audience", forger.changed(aud=...)
    yield "by another issuer", forger.changed(iss="https://evil.example.org")
    yield "by nobody", forger.changed(iss=...)
    for value in (..., None, 7, True, [], {}, "", "x", "1 OR 1=1"):
        yield f"sub {value!r}", forger.changed(sub=value)
    for value in (..., None, 7, [], {}, "", "x", str(uuid4())):
        yield f"fam {value!r}", forger.changed(fam=value)
    for value in ("x", 7, [], {"a": 1}):
        yield f"tenant {value!r}", forger.changed(tenant=value or "[]")
    yield "type refresh", forger.changed(type="refresh")
    yield "type unknown", forger.changed(type="api")
    yield "another user with this session", forger.changed(sub=str(uuid4()))


def _damaged(forger: Forger) -> Iterator[tuple[str, str]]:
    honest = forger.honest()
    header, payload, signature = honest.split(".")
    deep = '{"sub":' + "[" * 3000 + "]" * 3000 + "}"
    yield "nonsense", "nonsense"
    yield "dots", "..."
    yield "three empty parts", ".."
    yield "four parts", f"{honest}.{signature}"
    yield "not base64", f"{header}.!!!.{signature}"
    yield "latin letters", "ü.é.ß".encode().decode("latin-1")
    yield "payload no object", forger.sign(["sub"])
    yield "payload a number", forger.sign(7)
    yield "payload null", forger.sign(None)
    yield "payload no JSON", f"{header}.{_b64(b'{')}.{signature}"
    yield "payload not UTF-8", f"{header}.{_b64(bytes([0xFF, 0xFE]))}.{signature}"
    yield "deep JSON", f"{header}.{_b64(deep.encode())}.{signature}"
    yield "deep JSON header", f"{_b64(deep.encode())}.{payload}.{signature}"
    yield "huge", f"{header}.{_encoded(forger.access | {'x': 'y' * 60_000})}.{signature}"
    yield "header a list", f"{_b64(b'[]')}.{payload}.{signature}"
    yield "twice", f"{honest} {honest}"


def _ago(**distance: float) -> int:
    return int((datetime.now(UTC) - timedelta(**distance)).timestamp())


def _encoded(value: Any) -> str:
    return _b64(json.dumps(value).encode())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
