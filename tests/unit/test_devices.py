"""What a list of sessions says of a device and of where it is."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from medical_ai.auth.client_words import device_of, network_of
from medical_ai.auth.places import place_of
from tests.support.settings import make_settings

GECKO = "Mozilla/5.0 ({}; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 {}Safari/537.36"
SAFARI = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 {}Safari/604.1"
WINDOWS, LINUX = "Windows NT 10.0; Win64; x64", "X11; Linux x86_64"
PHONE = "Linux; Android 16; Pixel 10"
MAC, IPHONE = "Macintosh; Intel Mac OS X 10_15_7", "iPhone; CPU iPhone OS 19_0 like Mac OS X"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (GECKO.format(WINDOWS), "Firefox on Windows"),
        (GECKO.format("Android 16; Mobile"), "Firefox on Android"),
        (CHROME.format(LINUX, ""), "Chrome on Linux"),
        (CHROME.format(PHONE, "Mobile "), "Chrome on Android"),
        (CHROME.format(WINDOWS, "") + " Edg/142.0.0.0", "Edge on Windows"),
        (CHROME.format(WINDOWS, "") + " OPR/120.0", "Opera on Windows"),
        (SAFARI.format(MAC, ""), "Safari on a Mac"),
        (SAFARI.format(IPHONE, "Mobile/15E148 "), "Safari on an iPhone"),
        (SAFARI.format(IPHONE, "CriOS/142.0 Mobile/15E148 "), "Chrome on an iPhone"),
        ("Firefox", "a program (Firefox)"),
        ("curl/8.5.0", "a program (curl)"),
        ("python-requests/2.34.0", "a program (python-requests)"),
        ("", "an unknown device"),
        ("<script>alert(1)</script>", "an unknown device"),
        ("Call +1 900 0000 now/1", "an unknown device"),
        ("пробник/1.0", "an unknown device"),
        ("x" * 200, "an unknown device"),
    ],
)
def test_a_device_is_said_in_plain_words(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "this computer"),
        ("::1", "this computer"),
        ("::ffff:127.0.0.1", "this computer"),
        ("192.168.178.20", "the local network"),
        ("10.1.2.3", "the local network"),
        ("172.31.255.1", "the local network"),
        ("100.64.0.9", "the local network"),
        ("169.254.1.1", "the local network"),
        ("fe80::1%eth0", "the local network"),
        ("fd00::1", "the local network"),
        ("192.0.2.77", "192.0.2.0/24"),
        ("172.32.0.1", "172.32.0.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", "not known"),
        ("unix:", "not known"),
    ],
)
def test_a_place_is_a_network_where_nothing_better_is_known(address: str, network: str) -> None:
    assert network_of(address) == network
    assert place_of(make_settings(), address) == network


class Places:
    """Stands in for the optional package: it knows one address, and fails at one."""

    def open_database(self, path: str) -> Any:
        """Return a reader of the file."""
        Path(path).read_bytes()
        return SimpleNamespace(get=self.get)

    def get(self, address: str) -> Any:
        """Return what is known of an address."""
        if address == "192.0.2.66":
            raise ValueError("the file is damaged")
        names = {"city": {"names": {"en": "Lyon"}}, "country": {"names": {"en": "France"}}}
        return names if address == "192.0.2.77" else None


def test_a_file_of_places_names_them_and_a_bad_one_hinders_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "maxminddb", Places())
    (tmp_path / "places.mmdb").write_bytes(b"")
    settings = make_settings(geoip_database=tmp_path / "places.mmdb")
    assert place_of(settings, "192.0.2.77") == "near Lyon, France (192.0.2.0/24)"
    assert place_of(settings, "::ffff:192.0.2.77") == "near Lyon, France (192.0.2.0/24)"
    assert place_of(settings, "192.0.2.78") == "192.0.2.0/24"
    assert place_of(settings, "192.0.2.66") == "192.0.2.0/24"
    assert place_of(settings, "127.0.0.1") == "this computer"
    assert place_of(make_settings(geoip_database=tmp_path / "none"), "192.0.2.77") == "192.0.2.0/24"


def test_without_the_package_a_file_of_places_is_not_read(tmp_path: Path) -> None:
    settings = make_settings(geoip_database=tmp_path / "places.mmdb")
    assert place_of(settings, "192.0.2.77") == "192.0.2.0/24"
