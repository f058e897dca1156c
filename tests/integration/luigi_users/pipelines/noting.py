"""What all pipelines here have in common: a folder, and a story of what happened in it."""

import os

import luigi


class Noting(luigi.Task):
    """Notes what happens, one line each, wherever it happens."""

    folder = luigi.Parameter()

    def note(self, *words):
        line = " ".join(map(str, (type(self).__name__, *words)))
        fd = os.open(f"{self.folder}/story", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, (line + "\n").encode())
        os.close(fd)

    def path(self, name):
        return f"{self.folder}/{name}"


class Making(Noting):
    """Writes one file, whose name says what it is."""

    def output(self):
        return luigi.LocalTarget(self.path(self.task_id))

    def write(self, text):
        with self.output().open("w") as stream:
            stream.write(str(text))

    def run(self):
        self.note("run")
        self.write("made")
