"""The scheduler is killed again and again, and nobody notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.store.plant import Plant

SEED = 20261125


@pytest.mark.timeout(300)
def test_a_pipeline_survives_a_scheduler_that_is_killed_again_and_again(folder: Path) -> None:
    """Every task complete, none run by two at once, no acknowledged report lost, exit codes 0."""
    with Plant(folder, f"sqlite:///{folder}/state.db", layers=8) as plant:
        plant.start_scheduler().wait_for("scheduler ready")
        workers = plant.start_workers()
        run = plant.start_run()
        kills = plant.kill_again_and_again(6, SEED, run)
        assert run.wait() == 0, plant.story()
        assert [worker.end() for worker in workers] == [0, 0], plant.story()
        plant.check()
        assert kills >= 3, "the pipeline was over before it was disturbed"
        print(f"killed {kills} times, at work after {max(plant.at_work_after_s):.2f} s at most")
