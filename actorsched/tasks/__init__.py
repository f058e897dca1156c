"""Tasks, their parameters and targets: what a user writes, and what is done with it."""
