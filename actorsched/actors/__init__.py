"""The actors: scheduler, worker, slot, remote scheduler, REP server."""
