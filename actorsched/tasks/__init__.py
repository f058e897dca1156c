"""Tasks, their parameters and targets: what a user writes, and what is done with it."""

from actorsched.tasks.event import Event
from actorsched.tasks.external_task import ExternalTask
from actorsched.tasks.local_target import LocalTarget
from actorsched.tasks.parameter import param
from actorsched.tasks.target import Target
from actorsched.tasks.task import Task
from actorsched.tasks.wrapper_task import WrapperTask

__all__ = ["Event", "ExternalTask", "LocalTarget", "Target", "Task", "WrapperTask", "param"]
