"""Calls through the network, beside a bare echo and the protocols of others."""
