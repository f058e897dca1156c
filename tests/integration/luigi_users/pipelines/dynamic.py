"""Requirements that are found while a task runs, in all forms."""

import luigi
from noting import Making
from structures import Given, Leaf, shape


class Yields(Making):
    """Asks in the form that it is told; the notes that tell how often it began are left out."""

    kind = luigi.Parameter()

    def run(self):
        one, two, three = (Leaf(folder=self.folder, n=n) for n in range(3))
        if self.kind == "single":
            got = yield one
        elif self.kind == "list":
            got = yield [one, two]
        elif self.kind == "tuple":
            got = yield (one, two)
        elif self.kind == "dict":
            got = yield {"a": one, "b": two}
        elif self.kind == "nested":
            got = yield {"a": [one, two], "b": {"c": three}}
        elif self.kind == "one after the other":
            first = yield one
            with first.open() as stream:
                word = stream.read()
            got = yield [two] if word == "made" else [three]
        elif self.kind == "from":
            got = yield from self.helper()
        elif self.kind == "nothing":
            got = yield []
        elif self.kind == "wrapped":
            got = yield luigi.DynamicRequirements([one, two])
        elif self.kind == "own check":
            got = yield luigi.DynamicRequirements([one, two], lambda complete: all(map(complete, (two, one))))
        elif self.kind == "loop":
            got = []
            for n in range(10, 14):
                got.append((yield Leaf(folder=self.folder, n=n)))
        self.note(self.kind, shape(got))
        self.write(self.kind)

    def helper(self):
        first = yield Leaf(folder=self.folder, n=5)
        second = yield Leaf(folder=self.folder, n=6)
        return [first, second]


KINDS = "single|list|tuple|dict|nested|one after the other|from|nothing|wrapped|own check|loop"


class Deep(Making):
    """Each level finds the next one while it runs."""

    depth = luigi.IntParameter(default=5)

    def run(self):
        below = 0
        if self.depth:
            target = yield self.clone(depth=self.depth - 1)
            with target.open() as stream:
                below = int(stream.read())
        self.note("depth", self.depth)
        self.write(below + 1)


class Fails(Making):
    def run(self):
        self.note("run")
        raise ValueError("no luck")


class WantsFailing(Making):
    def run(self):
        yield Leaf(folder=self.folder, n=20)
        yield Fails(folder=self.folder)
        self.note("never")


class WantsGiven(Making):
    def run(self):
        target = yield Given(folder=self.folder)
        self.note("got", shape(target))
        self.write("given")


class WantsMissing(Making):
    def run(self):
        yield Given(folder=self.folder, name="not there")
        self.note("never")


class Both(Making):
    """Static and dynamic ones."""

    def requires(self):
        return Leaf(folder=self.folder, n=30)

    def run(self):
        assert self.input().exists()
        more = yield [Yields(folder=self.folder, kind="list"), Leaf(folder=self.folder, n=31)]
        self.note(shape(more), shape(self.input()))
        self.write("both")
