"""From equations to outcomes: the discretised model, steps, cycles, their audit."""
