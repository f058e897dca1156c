"""The system for people who do not want to see actors."""
