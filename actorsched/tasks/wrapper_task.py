"""A task that only holds others together."""

from __future__ import annotations

from actorsched.tasks.task import Task


class WrapperTask(Task):
    """Complete when all that it requires is complete; has nothing to run."""

    def complete(self) -> bool:
        waiting, seen = [iter(self.deps())], {self.task_id}
        while waiting:  # wrappers may hold wrappers, as deep as one likes
            for task in waiting[-1]:
                if task.task_id in seen:
                    continue
                seen.add(task.task_id)
                if type(task).complete is WrapperTask.complete:
                    waiting.append(iter(task.deps()))
                    break
                if not task.complete():
                    return False
            else:
                waiting.pop()
        return True
