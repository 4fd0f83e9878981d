"""Many cells at once: a compiled kernel for cells whose state is the film alone."""

from .kernel import Ends, Kernel, Solved, kernel_of

__all__ = ["Ends", "Kernel", "Solved", "kernel_of"]
