"""A browser or program, and where it connects from, in words for the person whose account it uses.

What a client says of itself can be made up: it helps people to recognise their own devices and
decides nothing.
"""

import ipaddress

UNKNOWN_DEVICE = "an unknown device"
UNKNOWN_PLACE = "not known"
THIS_COMPUTER, LOCAL_NETWORK = "this computer", "the local network"
V4_NETWORK, V6_NETWORK = 24, 48

# The first mark that is found names it: browsers claim to be the ones before them as well.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "a Chromebook"),  # codespell:ignore
    ("Macintosh", "a Mac"),
    ("Linux", "Linux"),
)
_LONGEST_PROGRAM = 20


def device_of(user_agent: str) -> str:
    """Return a device in words: "Firefox on Windows", "a program (curl)"."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser:
        return f"{browser} on {system}" if system else browser
    program = user_agent.partition("/")[0].strip()
    if program and len(program) <= _LONGEST_PROGRAM and program.replace("-", "").isalnum():
        return f"a program ({program})" if program.isascii() else UNKNOWN_DEVICE
    return UNKNOWN_DEVICE


def network_of(address: str) -> str:
    """Return the network of an address in words; a /24 or /48 where no better word is known."""
    found = parsed(address)
    if found is None:
        return UNKNOWN_PLACE
    if found.is_loopback:
        return THIS_COMPUTER
    if found.is_link_local or _is_private(found):
        return LOCAL_NETWORK
    prefix = V4_NETWORK if found.version == 4 else V6_NETWORK  # noqa: PLR2004 - the version of IP
    return str(ipaddress.ip_network((found, prefix), strict=False))


def parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address as such, an IPv4 one out of its IPv6 form; None where it is none."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


# RFC 1918, RFC 4193 and RFC 6598; `is_private` counts the documentation's networks as well.
_PRIVATE = tuple(
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def _is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in _PRIVATE)


def _first(marks: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for mark, name in marks if mark in text), "")
