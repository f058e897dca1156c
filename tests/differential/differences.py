"""Every way in which our scheduler differs from Luigi's on purpose.

`docs/differences.md` tells people about each under the same name. `oracle.py` and `twin.py` ask
`twin.agreed(name)` before they allow for one, and `cases/differences.jsonl` has a sequence for each that
comes out different when that one is not allowed for. So none is missing, and none is there for nothing.
"""

from __future__ import annotations

DIFFERENCES: dict[str, str] = {
    "additions": "keys in replies that Luigi does not have",
    "ids-of-ours": "batches and messages have ids of ours, no two the same",
    "order-of-sets": "where Luigi iterates over sets, or times are equal, ours is the order of registration",
    "strict-input": "what cannot be meant is refused with InvalidParamsError",
    "worker-death": "a run that ends with its worker is not charged to the task",
    "batchers-go-with-workers": "what a worker could combine is forgotten with the worker",
    "live-runs-stay": "a task is not forgotten while it runs",
    "needed-is-wanted": "what somebody needs is not forgotten",
    "gone-means-gone": "a task that was forgotten is neither counted nor handed out",
    "who-says-it-runs-it": "who reports RUNNING for a task that does not run is the one who runs it",
    "run-without-grant": "a run that was reported, not handed out, takes what the task asks for",
    "members-stay-members": "naming another batch does not move a task out of its running batch",
    "given-back": "PENDING with the id of the live run gives the task back",
    "report-keeps": "a report with a run id keeps the resources and the retry policy that it does not name",
    "lost-needs-room": "a run that was lost on the way is handed out again when its resources are free",
    "reserved-for-runs": "what nobody can run reserves no resources",
    "batch-believed": "a worker that names a batch among its tasks keeps it, also before it is claimed",
    "batches-take-at-once": "a batch takes its resources when it is granted",
    "lost-batches": "a batch that was lost on the way is made anew",
    "combined-tasks-go": "what stood for a batch that did not end well is forgotten",
    "batches-need-more": "what a batch asks for while it runs, its members wait for",
    "own-request": "giving back resources of a batch leaves what its members ask for next time",
    "runnable-batches": "only what is runnable joins a batch",
    "like-parameters": "what joins a batch has the same parameters by name",
    "unbounded-batch": "`max_batch_size: null` means no bound",
    "visibility-in-time": "the visibility of parameters counts, whenever it was told",
    "fetch-error-public": "`fetch_error` shows public parameters only",
    "upstream-on-cycles": "upstream status on dependency cycles does not depend on where one starts",
    "facts-before-words": "what a worker tells about itself does not hide what the scheduler knows of it",
}
