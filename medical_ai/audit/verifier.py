"""Check an exported access log: python3 verify.py

This file comes with every export and is also what the product itself seals with, so that both mean
the same. It needs Python alone; signatures are checked where the package `cryptography` is there.

An event is one leaf of its block's Merkle tree (the tree of RFC 6962), the block is signed, and the
export says which events it holds and is signed as well. What was edited, removed, added or moved
does not fit any more.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FORM = 1
COLUMNS = (
    "id", "at", "tag", "hospital_id", "actor_user_id", "actor_role", "via", "address", "basis",
    "patient_id", "subject_kind", "subject_id", "request_id", "details",
)  # fmt: skip
"""What of an event is sealed in this form, in this order. Another column needs another form."""

LEAF, NODE, BLOCK, EXPORT = b"\x00", b"\x01", b"\x02", b"\x03"
"""What a hash is of stands before it, so that none can be taken for another."""

_spell = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=True).encode


class Broken(Exception):
    """Something does not fit; the text says what."""


def leaf_of(values: Sequence[Any]) -> bytes:
    """Return the leaf of an event from its columns: ids in hex, the time in UTC."""
    return hashlib.sha256(LEAF + _spell([FORM, *values]).encode()).digest()


def digest_of(
    number: int, previous: bytes, root: bytes, size: int, sealed_at: str, *, form: int = FORM
) -> bytes:
    """Return the digest of a block, which the next one carries on."""
    header = _spell([form, number, previous.hex(), root.hex(), size, sealed_at])
    return hashlib.sha256(BLOCK + header.encode()).digest()


def statement_of(patient_id: str, made_at: str, event_ids: Sequence[str]) -> bytes:
    """Return the digest of what an export says it holds."""
    said = _spell([FORM, patient_id, made_at, list(event_ids)])
    return hashlib.sha256(EXPORT + said.encode()).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the Merkle tree over leaves."""
    return levels_of(leaves)[-1][0] if leaves else bytes(32)


def levels_of(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return every level of the tree, from the leaves to the root."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        levels.append(_next(levels[-1]))
    return levels


def path_in(levels: Sequence[Sequence[bytes]], position: int) -> list[bytes]:
    """Return the hashes that lead from one leaf to the root."""
    path = []
    for level in levels:
        if position ^ 1 < len(level):
            path.append(level[position ^ 1])
        position //= 2
    return path


def follow(leaf: bytes, path: Sequence[bytes], position: int, size: int) -> bytes:
    """Return the root that a leaf and its path lead to. Raises Broken where they do not fit."""
    rest, reached = list(path), leaf
    if not 0 <= position < size:
        raise Broken("a position lies outside its block")
    while size > 1:
        if position ^ 1 < size:
            if not rest:
                raise Broken("a path is too short")
            beside = rest.pop(0)
            reached = _join(beside, reached) if position % 2 else _join(reached, beside)
        position, size = position // 2, (size + 1) // 2
    if rest:
        raise Broken("a path is too long")
    return reached


def _next(level: list[bytes]) -> list[bytes]:
    # A last one without a neighbour goes up as it is.
    joined = [_join(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return joined + level[len(joined) * 2 :]


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(NODE + left + right).digest()


def check_export(events: dict[str, Any], proofs: dict[str, Any]) -> tuple[int, int, bool]:
    """Return how many events are proved, how many wait for their seal, and if signatures count.

    Raises Broken with the first thing that does not fit.
    """
    rows = {row[0]: row for row in events["events"]}
    if len(rows) != len(events["events"]):
        raise Broken("an event is there twice")
    signed = _check_statement(list(rows), proofs)
    for number, block in proofs["blocks"].items():
        _check_block(proofs, int(number), block)
    for seal in proofs["seals"]:
        if seal["event_id"] not in rows:
            raise Broken(f"event {seal['event_id']} was removed from the export")
        _check_event(rows[seal["event_id"]], seal, proofs["blocks"][str(seal["block"])])
    waiting = _check_waiting(list(rows), proofs)
    return len(rows) - waiting, waiting, signed


def _check_statement(event_ids: list[str], proofs: dict[str, Any]) -> bool:
    listed = proofs["statement"]
    if event_ids != listed["event_ids"]:
        raise Broken("the events are not those that the export says it holds")
    said = statement_of(listed["patient_id"], listed["made_at"], event_ids)
    return _is_signed(proofs, said, listed, "the list of events")


def _check_waiting(event_ids: list[str], proofs: dict[str, Any]) -> int:
    proved = {seal["event_id"] for seal in proofs["seals"]}
    waiting = [one for one in event_ids if one not in proved]
    if waiting != proofs["unsealed"]:
        raise Broken(f"event {next(iter(waiting), '?')} has lost its proof")
    return len(waiting)


def _check_block(proofs: dict[str, Any], number: int, block: dict[str, Any]) -> None:
    previous, root = bytes.fromhex(block["previous"]), bytes.fromhex(block["root"])
    digest = digest_of(
        number, previous, root, block["size"], block["sealed_at"], form=block["form"]
    )
    if digest.hex() != block["digest"]:
        raise Broken(f"block {number} was edited")
    _is_signed(proofs, digest, block, f"block {number}")


def _check_event(row: list[Any], seal: dict[str, Any], block: dict[str, Any]) -> None:
    path = [bytes.fromhex(one) for one in seal["path"]]
    if follow(leaf_of(row), path, seal["position"], block["size"]).hex() != block["root"]:
        raise Broken(
            f"event {row[0]} was edited: it does not fit block {seal['block']},"
            f" position {seal['position']}"
        )


def _is_signed(proofs: dict[str, Any], digest: bytes, one: dict[str, Any], what: str) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(proofs["keys"][one["key_id"]]))
        key.verify(bytes.fromhex(one["signature"]), digest)
    except (InvalidSignature, KeyError, ValueError):
        raise Broken(f"the signature of {what} does not fit") from None
    return True


def main(folder: Path) -> int:
    """Check the export in a folder, say the outcome, and return the exit status."""
    try:
        events = json.loads((folder / "events.json").read_text(encoding="utf-8"))
        proofs = json.loads((folder / "proofs.json").read_text(encoding="utf-8"))
        proved, waiting, signed = check_export(events, proofs)
    except Broken as broken:
        sys.stdout.write(f"NOT AS IT WAS SEALED: {broken}\n")
        return 1
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        sys.stdout.write("NOT AS IT WAS EXPORTED: a file is missing or cannot be read\n")
        return 1
    sys.stdout.write(f"{proved} events are as they were sealed; {waiting} were not sealed yet.\n")
    if signed:
        for key_id, key in proofs["keys"].items():
            sys.stdout.write(f"Signed with the key {key_id}: {key}\n")
        sys.stdout.write("Ask the hospital whether this is its key.\n")
    else:
        sys.stdout.write("Signatures were not checked: that needs the package cryptography.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))
