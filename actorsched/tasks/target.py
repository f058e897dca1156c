"""Targets: what tasks make, as far as a worker needs to know it.

A file system of another kind is another class with `exists()`; nothing else is asked of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod


class Target(ABC):
    """Something that exists or does not."""

    @abstractmethod
    def exists(self) -> bool:
        """Tell whether it is there, whole."""
