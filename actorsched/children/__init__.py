"""Child processes: how they are started, how one talks to them, what they do."""
