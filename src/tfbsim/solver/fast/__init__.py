"""Many cells at once: a compiled kernel for cells whose state is the film alone."""

from .kernel import Curves, Ends, Kernel, Solved, Written, written

__all__ = ["Curves", "Ends", "Kernel", "Solved", "Written", "written"]
