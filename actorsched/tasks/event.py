"""The names of Luigi's events."""

from __future__ import annotations


class Event:
    """What can be listened to, with `Task.event_handler(Event.SUCCESS)`. Handlers get the task first."""

    #: while dependencies are discovered: (task, dependency)
    DEPENDENCY_DISCOVERED = "event.core.dependency.discovered"
    #: a task is not complete and cannot be run, or cannot be asked: (task)
    DEPENDENCY_MISSING = "event.core.dependency.missing"
    #: a task was complete when it was discovered: (task)
    DEPENDENCY_PRESENT = "event.core.dependency.present"
    #: requires() raised: (task, exception)
    BROKEN_TASK = "event.core.task.broken"
    #: a run begins: (task)
    START = "event.core.start"
    #: for tasks to trigger themselves
    PROGRESS = "event.core.progress"
    #: a run failed: (task, exception)
    FAILURE = "event.core.failure"
    #: a run succeeded: (task)
    SUCCESS = "event.core.success"
    #: how long a successful run took: (task, seconds)
    PROCESSING_TIME = "event.core.processing_time"
    #: a run took too long: (task, message)
    TIMEOUT = "event.core.timeout"
    #: the process of a run died: (task, message)
    PROCESS_FAILURE = "event.core.process_failure"
