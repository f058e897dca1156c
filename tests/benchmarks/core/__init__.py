"""The scheduler's machine alone: what each method costs, and how that grows with the number of tasks."""
