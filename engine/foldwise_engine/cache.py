"""Least recently used first out, bounded by bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ByteCache(Generic[Value]):
    """Keeps what is costly to build. A value larger than the whole budget is not kept at all."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._entries: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        """The value, which thereby becomes the most recently used, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def make_room(self, size: int) -> None:
        """Let go of the oldest values until `size` bytes fit; call it before building, so that both never coexist."""
        while self._entries and self.bytes + size > self.budget:
            self._entries.popitem(last=False)

    def put(self, key: Hashable, value: Value, size: int) -> None:
        """Keep `value`, which holds about `size` bytes."""
        self._entries.pop(key, None)
        self.make_room(size)
        if size <= self.budget:
            self._entries[key] = (value, size)

    @property
    def bytes(self) -> int:
        """What the kept values hold together."""
        return sum(size for _, size in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)
