"""The scheduler as a deterministic state machine."""
