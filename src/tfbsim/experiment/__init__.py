"""What is done to a cell: steps, cases, sweeps, and the file that states them."""
