"""Measurements beside peers in the same run. Never part of CI: time is no test."""
