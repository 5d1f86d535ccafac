"""What the protocol's messages are made of: bounded text and numbers, and the rule that no field is more or fewer."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

MAX_SAFE_INTEGER = 2**53 - 1
"""What JavaScript can count to; zod's integers stop there, so do these."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE_INTEGER)]
Positive = Annotated[int, msgspec.Meta(gt=0, le=MAX_SAFE_INTEGER)]
Integer = Annotated[int, msgspec.Meta(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]
Json = dict[str, Any]


class Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Every message: no field more, no field fewer."""
