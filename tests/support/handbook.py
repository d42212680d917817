"""The commands that the handbook tells an operator to type."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*(ROOT / "docs/runbooks").glob("*.md")]
    + [ROOT / "docs" / f"{name}.md" for name in ("deployment", "operations", "backups", "audit")]
)
PROGRAMS = re.compile(
    r"(?:awk|certbot|curl|df|du|fail2ban-client|find|grep|journalctl|last|logrotate|ls|mariadb"
    r"|medical-ai|nft|nginx|openssl|restic|ss|sudo|systemctl|tail|tar|uptime) "
)


def list_commands(page: Path) -> list[str]:
    """Return what a page tells to type, in its shell blocks and within its sentences."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.S)
    lines = [
        line.strip().removeprefix("sudo ").partition("  #")[0].strip()
        for block in blocks
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip() and not line.strip().startswith("#")
    ]
    sentences = re.sub(r"```.*?```", "", text, flags=re.S)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", sentences)]
    within = [span.removeprefix("sudo ") for span in spans if PROGRAMS.match(span)]
    return lines + within
