"""What is told to the user in a sentence: what is wrong with an input, and its words."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence


def shown(text: object, limit: int = 60) -> str:
    """Return `text` on one line, printable and shortened, to put into a message."""
    word = str(text)
    if len(word) > limit:
        word = word[: limit - 3] + "..."
    if word.isprintable():
        return word
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in word
    )


class InputError(ValueError):
    """Something in an input file is wrong; `str()` is one line for the user.

    Attributes
    ----------
    file : str
        The file as the user named it, or ''.
    line : int or None
        The line, from 1.
    field : str
        The dotted path within the file, such as `cases[2].rate`, or ''.
    message : str
        What is wrong, and what would do.
    others : tuple of InputError
        What else is wrong in the same file, as far as it was found.
    """

    others: tuple[InputError, ...] = ()

    def __init__(
        self,
        message: str,
        file: str | os.PathLike[str] = "",
        line: int | None = None,
        field: str = "",
    ) -> None:
        # All four are the arguments, so that the error can cross a process pool.
        super().__init__(message, os.fspath(file), line, field)
        self.message = message
        self.file = os.fspath(file)
        self.line = line
        self.field = field

    def __str__(self) -> str:
        """Return `file:line: field: message`, without the parts that are unknown."""
        place = self.file
        if self.line is not None:
            place = f"{place}:{self.line}" if place else f"line {self.line}"
        parts = (place, self.field, self.message)
        return ": ".join(shown(part, 2000) for part in parts if part)


def together(found: Sequence[InputError]) -> InputError:
    """Return the first of several mistakes, which has the others, each once."""
    every = {str(e): e for error in found for e in (error, *error.others)}
    first, *others = every.values()
    first.others = tuple(others)
    return first


Key = str | int
Place = tuple[Key, ...]  # of a mistake in a file
Error = Callable[[Place, str], InputError]  # makes the error of a place and a message


def count(number: int, one: str, many: str = "") -> str:
    """Return `1 row`, `2 rows`; `many` is the word where no s makes it."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def dotted(path: Iterable[Key]) -> str:
    """Return a path of keys and indices as text, such as `cases[2].rate`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += ("." if text else "") + shown(key)
    return text


def at_field(place: Place, message: str) -> InputError:
    """Return the error of a field that stands in no file."""
    return InputError(message, field=dotted(place))


@contextlib.contextmanager
def placed(error: Error, *place: Key) -> Iterator[None]:
    """Say of a mistake within that it is at a place, or in a field below it."""
    try:
        yield
    except InputError as found:
        raise error((*place, *filter(None, [found.field])), found.message) from None
    except ValueError as found:
        raise error(place, str(found)) from None


def suggest(word: str, options: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the option nearest to `word`, or ''.

    One that begins with another letter must be nearer.
    """
    by_lower = {choice.lower(): choice for choice in options}
    given = word[:80].lower()
    for near in difflib.get_close_matches(given, by_lower, n=5, cutoff=0.6):
        same = near[:1] == given[:1]
        if same or difflib.SequenceMatcher(None, near, given).ratio() > 0.75:
            return f"; did you mean '{by_lower[near]}'?"
    return ""
