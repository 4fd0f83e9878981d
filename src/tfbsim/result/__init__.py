"""What came of the cases of an experiment, and what follows from it."""
