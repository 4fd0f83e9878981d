"""Strategies of what a file may hold in place of what it should."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st


def anything(
    words: Sequence[str], keys: Sequence[str], most: int = 6
) -> st.SearchStrategy[Any]:
    """Plain data: scalars, these words among them, in lists and under these keys."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats()
    return st.recursive(
        scalars | st.text(max_size=20) | st.sampled_from(words),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(keys) | st.text(max_size=8), inner, max_size=4
            )
        ),
        max_leaves=most,
    )


def mutated(
    draw: Callable[[Any], Any], data: dict[str, Any], values: st.SearchStrategy[Any]
) -> dict[str, Any]:
    """A copy with one key, at any depth, deleted, renamed or given another value."""
    data = copy.deepcopy(data)
    here: Any = data
    while True:
        key = draw(st.sampled_from(sorted(here) if isinstance(here, dict) else [0]))
        if not isinstance(here[key], dict | list) or not here[key] or draw(st.booleans()):
            break
        here = here[key]
    action = draw(st.sampled_from(["delete", "rename", "replace"]))
    if action == "replace":
        here[key] = draw(values)
    elif isinstance(here, list):
        here.pop(key)
    else:
        value = here.pop(key)
        if action == "rename":
            here[draw(st.text(max_size=10))] = value
    return data
