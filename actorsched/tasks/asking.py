"""Ask tasks whether they are complete and what they require: each once, one after the other or in threads.

A wrapper task is complete when all that it requires is. Asking it would ask those tasks, which are asked in
their own turn as well; so it is answered from their answers, which are kept until it is their turn. In
threads, they are all asked at the same time. A dependency that cannot answer makes its wrapper
incomplete, and fails by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple

from actorsched.tasks.completeness import Completeness, is_external, is_plain_wrapper
from actorsched.tasks.structure import tasks_of


class Answer(NamedTuple):
    """What a task said: complete, or what it requires, or what it raised.

    Attributes:
        deps: None when nobody asked.
        error: what `complete()` raised, or, when `asked`, `requires()`.
    """

    complete: bool = False
    deps: list[Any] | None = None
    error: BaseException | None = None
    asked: bool = False


class Asking:
    """Asks tasks for as long as it is entered.

    Args:
        completeness: how to ask a task; with threads it is called in several of them.
        threads: how many tasks are asked at the same time; 0: each in its turn, by the caller's thread.
        asked: called in the caller's thread whenever a task has answered; None: nobody wants to know.
    """

    def __init__(
        self, completeness: Completeness, threads: int, asked: Callable[[], None] | None = None
    ) -> None:
        self._completeness = completeness
        self._note = asked
        self._pool = (
            ThreadPoolExecutor(threads, thread_name_prefix="actorsched-discovery") if threads > 0 else None
        )
        self._asked: dict[str, Future[Answer]] = {}
        self._ahead: dict[str, Answer] = {}  # had before its turn
        self._complete: dict[str, bool] = {}
        self._wrapper: dict[type, bool] = {}

    def __enter__(self) -> Asking:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tail: TracebackType | None
    ) -> None:
        if self._pool is not None:
            # whoever was interrupted does not wait for answers that nobody wants any more
            self._pool.shutdown(wait=error is None, cancel_futures=error is not None)

    def ask(self, task: Any) -> Callable[[], Answer]:
        """Put the questions, perhaps later; returns where the answer can be had, by this thread, once."""
        if self._pool is not None:
            self._begin(task)
        return partial(self._answer, task)

    def _begin(self, task: Any) -> None:
        """Have a task asked by a thread, unless it was."""
        task_id = task.task_id
        if self._pool is not None and task_id not in self._asked and task_id not in self._complete:
            put = _requirements if self._is_wrapper(task) else _ask
            self._asked[task_id] = self._pool.submit(put, task, self._completeness)

    def _answer(self, task: Any) -> Answer:
        answer = self._ahead.pop(task.task_id, None)
        if answer is None:
            answer = self._answer_of_wrapper(task) if self._is_wrapper(task) else self._own_answer(task)
        return answer

    def _own_answer(self, task: Any) -> Answer:
        """What the task itself said; of a wrapper only what it requires."""
        begun = self._asked.pop(task.task_id, None)
        wrapper = self._is_wrapper(task)
        if begun is not None:
            answer = begun.result()
        else:
            answer = (_requirements if wrapper else _ask)(task, self._completeness)
        if not wrapper:
            self._complete[task.task_id] = answer.complete
        if self._note is not None:
            self._note()
        return answer

    def _is_wrapper(self, task: Any) -> bool:
        kind = type(task)
        known = self._wrapper.get(kind)
        if known is None:
            known = self._wrapper[kind] = is_plain_wrapper(task) and not is_external(task)
        return known

    def _answer_of_wrapper(self, task: Any) -> Answer:
        """Follow a wrapper down to the first task that is not complete; then the way to it is not either.

        Wrappers may hold wrappers, as deep as one likes, and in circles.
        """
        way: list[tuple[Any, Answer, Iterator[Any]]] = []
        on_way: set[str] = set()
        below: Any = task
        while True:
            if below is not None:
                answer = self._own_answer(below)
                way.append((below, answer, iter(answer.deps or ())))
                on_way.add(below.task_id)
                for dep in answer.deps or ():
                    self._begin(dep)
                if answer.error is not None:
                    break
            below = None
            wrapper, _, rest = way[-1]
            for dep in rest:
                complete = self._complete.get(dep.task_id)
                if complete is None and dep.task_id not in on_way:
                    if self._is_wrapper(dep):
                        below = dep
                        break
                    self._ahead[dep.task_id] = answer = self._own_answer(dep)
                    complete = answer.complete
                if not complete:
                    break
            else:
                way.pop()
                self._settle(wrapper, Answer(complete=True))
                if not way:
                    return self._ahead.pop(task.task_id)
                continue
            if below is None:
                break
        for wrapper, answer, _ in way:
            self._settle(wrapper, answer)
        return self._ahead.pop(task.task_id)

    def _settle(self, wrapper: Any, answer: Answer) -> None:
        self._complete[wrapper.task_id] = answer.complete
        self._ahead[wrapper.task_id] = answer


def _ask(task: Any, completeness: Completeness) -> Answer:
    """Ask one task. What its hooks raise ends here."""
    try:
        if completeness(task):
            return Answer(complete=True)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Answer(error=error)
    return _requirements(task, completeness)


def _requirements(task: Any, completeness: Completeness) -> Answer:
    try:
        if is_external(task):
            return Answer()
        return Answer(deps=tasks_of(task.deps(), f"requires() of {task.task_family}"))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Answer(error=error, asked=True)
