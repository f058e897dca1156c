"""A task is its class and its parameters."""

from __future__ import annotations

import pickle
import re
from datetime import date
from typing import Any, ClassVar

import pytest

from actorsched import LocalTarget, Task, param
from actorsched.errors import ParameterError, TaskDefinitionError


class Words(Task):
    day: date
    top: int = 10
    note: str = param(default="", significant=False)


class Letters(Task):
    day: date
    top: int = 10


DAY = date(2024, 2, 29)


def test_tasks_are_equal_by_class_and_significant_parameters() -> None:
    """So a task may be wanted from many sides and is still one."""
    assert Words(DAY) == Words(day=DAY, top=10)
    assert hash(Words(DAY)) == hash(Words(DAY, 10))
    assert Words(DAY) != Words(DAY, 11)
    assert Words(DAY, note="a") == Words(DAY, note="b")
    assert Words(DAY) != Letters(DAY)
    assert {Words(DAY), Words(DAY), Letters(DAY)} == {Letters(DAY), Words(DAY)}
    assert Words(DAY) != "Words"


def test_parameters_are_frozen_and_other_attributes_are_not() -> None:
    """The id of a task is made once."""
    task = Words(DAY)
    with pytest.raises(
        TaskDefinitionError, match=r"Words\.top is a parameter and does not change.*clone\(top"
    ):
        task.top = 11  # type: ignore[misc]
    with pytest.raises(TaskDefinitionError, match="cannot be deleted"):
        del task.top
    task.remark = "x"  # type: ignore[attr-defined]
    del task.remark  # type: ignore[attr-defined]


def test_the_id_has_the_form_of_luigi() -> None:
    """Family, the first three values shortened, a digest."""
    assert re.fullmatch(r"Words_2024_02_29_10_[0-9a-f]{10}", Words(DAY).task_id)
    assert Words(DAY, note="another").task_id == Words(DAY).task_id
    assert str(Words(DAY, note="secret")) == "Words(day=2024-02-29, top=10)"
    assert Words(DAY).to_str_params() == {"day": "2024-02-29", "top": "10", "note": ""}
    assert Words(DAY).to_str_params(only_significant=True) == {"day": "2024-02-29", "top": "10"}


def test_subclasses_inherit_parameters_and_may_give_new_defaults() -> None:
    """Inherited ones first, as in dataclasses."""

    class Base(Task):
        a: int
        b: str = "x"

    class Mixin:
        c = 5

    class Child(Mixin, Base):
        b = "y"
        d: int = 0

    assert [name for name, _ in Child.get_params()] == ["a", "b", "d"]
    child: Any = Child(1)
    assert (child.a, child.b, child.c, child.d) == (1, "y", 5, 0)
    assert Base(1).b == "x"

    class Grandchild(Child):
        a = 7  # the required one gets a default

    assert Grandchild().a == 7  # type: ignore[call-arg]
    with pytest.raises(TaskDefinitionError, match="its default 5 is no str"):
        type("Wrong", (Base,), {"b": 5, "__module__": __name__})
    with pytest.raises(TaskDefinitionError, match="nothing that is computed"):
        type("Wrong", (Base,), {"b": property(lambda self: "z"), "__module__": __name__})


def test_several_bases_are_followed_in_the_order_of_python() -> None:
    """The nearest default wins."""

    class Left(Task):
        x: int = 1

    class Right(Task):
        x: int = 2
        y: int = 3

    class Both(Left, Right):
        pass

    assert (Both().x, Both().y) == (1, 3)


def test_what_is_no_parameter() -> None:
    """Class variables and plain attributes."""

    class Plain(Task):
        limit: ClassVar[int] = 3
        priority = 7
        day: date = DAY

    assert [name for name, _ in Plain.get_params()] == ["day"]
    assert Plain().priority == 7


def test_a_parameter_of_luigi_in_a_native_task_is_refused() -> None:
    """It would be an attribute that fails where it is used."""
    import luigi

    with pytest.raises(
        TaskDefinitionError, match=r"Mixed\.n is a parameter of Luigi: derive .* or say n: TYPE"
    ):

        class Mixed(Task):
            n = luigi.IntParameter()


def test_settings_of_a_task_may_be_parameters() -> None:
    """Such as a priority that comes from outside."""

    class Urgent(Task):
        priority: int = 0
        retry_count: int | None = None

    assert Urgent(5).priority == 5
    assert Urgent().retry_count is None


def test_a_default_factory_is_called_for_each_task() -> None:
    """And its value is checked."""
    numbers = iter(range(10))

    class Counted(Task):
        n: int = param(default_factory=lambda: next(numbers))
        bad: int = param(default_factory=lambda: 0)

    assert [Counted().n, Counted().n] == [0, 1]

    class Wrong(Task):
        n: int = param(default_factory=lambda: "x")  # type: ignore[arg-type, return-value]

    with pytest.raises(ParameterError, match="got 'x' of type str, expected int"):
        Wrong()


def test_annotations_may_name_what_comes_later() -> None:
    """With the future import all annotations are texts."""

    class Early(Task):
        it: Late  # noqa: F821

    with pytest.raises(TaskDefinitionError, match="cannot be understood"):
        Early(1)
    globals()["Late"] = int
    try:
        assert Early(1).it == 1
    finally:
        del globals()["Late"]


def test_clone_takes_what_is_shared() -> None:
    """As in Luigi."""
    words = Words(DAY, 3)
    assert words.clone(top=4) == Words(DAY, 4)
    assert words.clone(Letters) == Letters(DAY, 3)
    assert words.clone(Letters, top=1) == Letters(DAY, 1)


def test_input_has_the_shape_of_requires() -> None:
    """Lists, dicts, tuples and generators of tasks become the same of targets."""

    class One(Task):
        n: int

        def output(self) -> LocalTarget:
            return LocalTarget(f"/{self.n}")

    class Many(Task):
        def requires(self) -> Any:
            return {"a": One(1), "b": [One(2), (One(3),)], "c": (One(n) for n in range(2))}

    targets = Many().input()
    assert targets["a"].path == "/1"
    assert [targets["b"][0].path, targets["b"][1][0].path] == ["/2", "/3"]
    assert [target.path for target in targets["c"]] == ["/0", "/1"]


@pytest.mark.parametrize("output", ["out/x", ["out/x"]])
def test_an_output_that_is_no_target_is_named(output: Any) -> None:
    """A path as text is what one writes first."""

    class Texts(Task):
        def output(self) -> Any:
            return output

    with pytest.raises(
        TaskDefinitionError, match=r"^output\(\) of Texts .* LocalTarget\(…\), not 'out/x' \(str\)$"
    ):
        Texts().complete()


def test_complete_asks_all_outputs(tmp_path: Any) -> None:
    """Without outputs there is nothing that would say so."""

    class Two(Task):
        def output(self) -> list[LocalTarget]:
            return [LocalTarget(tmp_path / "a"), LocalTarget(tmp_path / "b")]

    assert not Two().complete()
    (tmp_path / "a").touch()
    assert not Two().complete()
    (tmp_path / "b").touch()
    assert Two().complete()
    assert not Words(DAY).complete()


def test_a_task_survives_pickle_with_the_attributes_that_were_set() -> None:
    """That is how it reaches its child process."""
    task = Words(DAY, note="n")
    task.remark = ["x"]  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(task))
    assert again == task
    assert again.note == "n"
    assert again.remark == ["x"]


def test_namespaces_are_part_of_the_family() -> None:
    """Two teams may both have a Report."""

    class Report(Task):
        task_namespace = "sales"

    class Special(Report):
        pass

    class Named(Task):
        task_family = "quite.another"

    assert Report.task_family == "sales.Report"
    assert Report().task_id.startswith("sales.Report_")
    assert Special.task_family == "sales.Special"
    assert Named.get_task_family() == "quite.another"


def test_an_own_constructor_works_when_it_calls_ours() -> None:
    """What it sets is there."""

    class Own(Task):
        n: int = 0

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.doubled = 2 * self.n

    assert Own(4).doubled == 8
