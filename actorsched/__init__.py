"""A central scheduler and its workers for pipelines of tasks, built as actors."""

from actorsched._version import __version__ as __version__
