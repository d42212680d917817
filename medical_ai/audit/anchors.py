"""Anchors: the chain's head as one line, to be kept where the database's owner cannot reach.

A chain that was cut is sound in itself. What was written down elsewhere says how far it reached.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from medical_ai.audit.chain import Block
from medical_ai.audit.signing import Signature, SigningKeys
from medical_ai.core.errors import InvalidInput

LINE_MAX = 2000


@dataclass(frozen=True, slots=True)
class Anchor:
    """A block of the chain as it was written down elsewhere, in hex."""

    number: int
    digest: str
    sealed_at: str
    key_id: str
    signature: str

    def spell(self) -> str:
        """Return the anchor as one line."""
        return json.dumps(asdict(self), separators=(",", ":"))


def anchor_of(block: Block) -> Anchor:
    """Return the anchor of a block."""
    return Anchor(
        number=block.number,
        digest=block.digest.hex(),
        sealed_at=block.sealed_at,
        key_id=block.key_id,
        signature=block.signature.hex(),
    )


def read_anchors(lines: Iterable[str], keys: SigningKeys) -> list[Anchor]:
    """Read anchors, one a line. Raises InvalidInput that names a line that is none of ours."""
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            found.append(_read(line, number, keys))
    return found


def _read(line: str, number: int, keys: SigningKeys) -> Anchor:
    try:
        if len(line) > LINE_MAX:
            raise ValueError("too long")
        anchor = Anchor(**json.loads(line))
        signature = Signature(anchor.key_id, bytes.fromhex(anchor.signature))
        is_ours = keys.fits(signature, bytes.fromhex(anchor.digest)) and anchor.number > 0
    except (ValueError, TypeError):
        raise InvalidInput(f"Line {number} of the anchors cannot be read.") from None
    if not is_ours:
        raise InvalidInput(f"Line {number} of the anchors is not signed by a key of the ring.")
    return anchor
