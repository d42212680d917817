"""The identity provider of the tests: a certified OpenID provider on loopback, and its people."""

import base64
import hashlib
import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit, urlunsplit

import jwt
import requests

from tests.support.processes import ROOT, free_port
from tests.support.waiting import wait_until

CLIENT_ID = "medical-assistant"
CLIENT_SECRET = "known to the tests and to the provider"  # pragma: allowlist secret - made up
SECRET = "a lamp that waters the garden"  # pragma: allowlist secret - made up
AUDIENCE = "urn:test:our-api"
OTHER_AUDIENCE = "urn:test:another-api"
ROLES, HOSPITAL, PERMISSIONS = "urn:test:roles", "urn:test:hospital", "permissions"
PROGRAM = "http://127.0.0.1:9/program"
TOOLS = ROOT / ".tools"


class IdentityProvider:
    """A running provider, and everything a test may do to it."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self._process, self._log = process, log

    def steer(self, what: str, **values: Any) -> Any:
        """Tell it something only a test may."""
        return requests.post(f"{self.issuer}/control/{what}", json=values, timeout=10).json()

    def add(self, subject: str, email: str, *, verified: bool = True, **claims: Any) -> str:
        """Give somebody an identity there, and return its subject."""
        person = {"email": email, "email_verified": verified, "secret": SECRET} | claims
        self.steer("people", **{subject: person})
        return subject

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let it answer nobody while the block lasts."""
        self.steer("away", away=True)
        try:
            yield
        finally:
            self.steer("away", away=False)

    def sign_in(
        self,
        address: str,
        email: str,
        *,
        secret: str = SECRET,
        answer: str = "yes",
        browser: requests.Session | None = None,
    ) -> str:
        """Walk from the authorization address through its pages, and return where it leads.

        That is the address of ours it sends the browser back to, or "" while it asks again. A
        browser that is given keeps its session there.
        """
        browser = browser or requests.Session()
        page = self._follow(browser, browser.get(address, allow_redirects=False, timeout=10))
        if isinstance(page, str):
            return page
        form = {"login": email, "secret": secret, "answer": answer}
        sent = browser.post(page.url, data=form, allow_redirects=False, timeout=10)
        left = self._follow(browser, sent)
        return left if isinstance(left, str) else ""

    def sign_out(self, address: str, browser: requests.Session) -> str:
        """Agree to signing out there, and return where it leads."""
        page = browser.get(address, timeout=10)
        action = re.search(r'action="([^"]+)"', page.text)
        token = re.search(r'name="xsrf" value="([^"]+)"', page.text)
        assert action, page.text
        assert token, page.text
        form = {"xsrf": token.group(1), "logout": "yes"}
        sent = browser.post(action.group(1), data=form, allow_redirects=False, timeout=10)
        return sent.headers["Location"]

    def _follow(
        self, browser: requests.Session, response: requests.Response
    ) -> requests.Response | str:
        while response.is_redirect:
            following = urljoin(response.url, response.headers["Location"])
            if not following.startswith(self.issuer):
                return following
            response = browser.get(following, allow_redirects=False, timeout=10)
        return response

    def token_for(self, email: str, audience: str = AUDIENCE) -> dict[str, Any]:
        """Let a program sign somebody in and return the answer of the token endpoint."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "client_id": "program",
            "response_type": "code",
            "scope": "openid",
            "redirect_uri": PROGRAM,
            "audience": audience,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        back = self.sign_in(f"{self.issuer}/auth?{urlencode(asked)}", email)
        form = {
            "client_id": "program",
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(back).query)["code"][0],
            "redirect_uri": PROGRAM,
            "code_verifier": verifier,
        }
        answer: dict[str, Any] = requests.post(f"{self.issuer}/token", data=form, timeout=10).json()
        return answer

    def forge(self, claims: dict[str, Any], **header: Any) -> str:
        """Sign claims with its genuine key, as nobody but itself could."""
        key = self.steer("keys")[0]
        headers = {"kid": key["kid"], "typ": "at+jwt"} | header
        return jwt.encode(claims, jwt.PyJWK(key).key, algorithm="RS256", headers=headers)

    @property
    def keys_read(self) -> int:
        """Return how often its keys were read."""
        return int(self.steer("counts")["keysRead"])


@contextmanager
def identity_provider(folder: Path, site: str, *, conforms: bool = False) -> Iterator[Any]:
    """Run a provider that knows the site at this address while the block lasts.

    One that `conforms` tells the e-mail address at the userinfo endpoint alone.
    """
    port, log = free_port(), folder / "provider.log"
    options = {
        "port": port,
        "api": AUDIENCE,
        "conforms": conforms,
        "web": {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [f"{site}/app/oidc/callback"],
            "post_logout_redirect_uris": [f"{site}/login"],
        },
    }
    script = ROOT / "tests" / "support" / "oidc" / "idp.mjs"
    command = [_node(), str(script), str(TOOLS / "oidc"), json.dumps(options)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    started = IdentityProvider(port, process, log)
    try:
        wait_until(
            lambda: process.poll() is not None or b"ready" in log.read_bytes(),
            seconds=60,
            what=f"the identity provider runs, see {log}",
        )
        assert process.poll() is None, log.read_text(errors="replace")
        yield started
    finally:
        process.kill()
        process.wait()


def _node() -> str:
    # The machine's own, unless deploy/test-tools.sh found it too old.
    own = TOOLS / "node" / "bin" / "node"
    found = str(own) if own.exists() else shutil.which("node")
    assert found, "node is missing: run deploy/test-tools.sh"
    assert (TOOLS / "oidc").exists(), "the provider is missing: run deploy/test-tools.sh"
    return found


def with_query(address: str, **changes: str) -> str:
    """Return an address whose query says something else."""
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return urlunsplit(parts._replace(query=urlencode(query | changes)))


def refresh_of(html: str) -> str:
    """Return where a page leads on by itself."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', html)
    assert found
    return found.group(1).replace("&amp;", "&")
