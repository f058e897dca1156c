"""What the census of `stdlib_census.py` does with one file, and how it draws its page. No tasks in here."""
