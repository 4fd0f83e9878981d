"""Many cells at once: a compiled kernel for cells whose state is the film alone."""

from .kernel import Ends, Kernel, Solved, Written, written

__all__ = ["Ends", "Kernel", "Solved", "Written", "written"]
