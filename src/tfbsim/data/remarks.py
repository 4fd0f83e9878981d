"""What is told of a file: each conversion, guess and mend, and what was left in doubt."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Remarks:
    """Sentences, in the order in which they came up.

    Parameters
    ----------
    notes : list of str
        All of them.
    doubts : list of str
        Those that matter to the result: data left out, a charge of two values.
    """

    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def note(self, sentence: str, doubt: bool = False) -> None:
        """Add a sentence, perhaps one that matters to the result."""
        self.notes.append(sentence)
        self.doubts += [sentence] * doubt

    def doubt(self, sentence: str) -> None:
        """Add a sentence that matters to the result."""
        self.note(sentence, True)
