"""Every message file under test/fixtures/protocol; src/engine is tested on the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from foldwise_engine.protocol import decode_event, decode_request, encode, id_of

FIXTURES = Path(__file__).parents[2] / "test" / "fixtures" / "protocol"
DECODERS = {"request": decode_request, "event": decode_event}


def cases(kind: str) -> list[Path]:
    found = sorted(FIXTURES.glob(f"{kind}/*/*.ndjson"))
    assert len(found) > 20
    return found


def holds(written: Any, read: Any) -> bool:
    """Whether all that was read was written; optional fields may have come as null."""
    if isinstance(read, dict):
        return isinstance(written, dict) and all(key in written and holds(written[key], read[key]) for key in read)
    return bool(written == read)


@pytest.mark.parametrize("path", cases("valid"), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_valid_message_is_read_and_survives_writing(path: Path) -> None:
    line = path.read_bytes()
    message = DECODERS[path.parent.name](line)
    assert holds(msgspec.json.decode(encode(message)), msgspec.json.decode(line))
    assert DECODERS[path.parent.name](encode(message)) == message


@pytest.mark.parametrize("path", cases("invalid"), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_invalid_message_is_refused(path: Path) -> None:
    with pytest.raises(msgspec.DecodeError):
        DECODERS[path.parent.name](path.read_bytes())


def test_a_broken_request_still_says_which_one_it_was() -> None:
    assert id_of((FIXTURES / "invalid/request/fit_negative_horizon.ndjson").read_bytes()) == "job-1"
    assert id_of(b'{"id":3}') is None
    assert id_of(b"\xff\xfe") is None
