"""Fields of a cell, and open-circuit potentials, fitted to what was measured."""
