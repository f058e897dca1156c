"""Many tiny tasks from the first to the last, by us and by peers.

Each task creates one empty file on a file system in memory, so that what is measured is what a system
adds. Every contestant is a module that is run as `python -m … SHAPE N FOLDER`, gets a first trivial task
through (that is `start_s`), then does the job and prints `start_s` and `job_s`. The job begins with
nothing but the shape and ends when the last file is there and the system knows it.
"""
