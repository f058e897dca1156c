"""Lists and dicts that can be parameters: they look like list and dict, but hash and never change.

Luigi turns lists into tuples and dicts into a mapping of its own. Here a field annotated `list[int]`
holds something that is a `list` (it equals lists, slices, sorts and goes through `json.dumps`), so
that the annotation tells the truth. The methods that would change it raise.
"""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


def _refuse(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError(f"a parameter does not change: make a copy with {type(self).__bases__[0].__name__}(...)")


class FrozenList(list[T]):
    """A list that does not change."""

    __slots__ = ()

    append = clear = extend = insert = pop = remove = reverse = sort = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return (FrozenList, (list(self),))


class FrozenDict(dict[K, V]):
    """A dict that does not change. The order of its keys is kept, and does not count for equality."""

    __slots__ = ()

    clear = pop = popitem = setdefault = update = _refuse
    __setitem__ = __delitem__ = __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return (FrozenDict, (dict(self),))
