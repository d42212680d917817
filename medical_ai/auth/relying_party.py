"""For which site a passkey is made: WebAuthn's relying party.

It is the host of PUBLIC_URL, which no request can change. A passkey needs a name: an IP address
cannot be a relying party. On a laptop `localhost` stands in, when that is what was asked for.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from medical_ai.core.config import Settings

LOCALHOST = "localhost"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The id that passkeys are bound to, and the one origin they may be used from."""

    id: str
    origin: str


def relying_party(settings: Settings, asked_host: str) -> RelyingParty | None:
    """Return the relying party; None where there is only a number.

    `asked_host` is the request's Host. It is listened to outside production alone, and only where
    it says localhost: what it says otherwise decides nothing.
    """
    if not settings.production and urlsplit(f"//{asked_host}").hostname == LOCALHOST:
        return RelyingParty(LOCALHOST, f"http://{asked_host}")
    public = urlsplit(settings.public_url)
    host = public.hostname or ""
    if not host or _is_number(host):
        return None
    return RelyingParty(host, f"{public.scheme}://{public.netloc}")


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
