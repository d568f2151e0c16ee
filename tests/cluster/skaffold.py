"""`skaffold dev -p lab` as a developer runs it, in a copy of the tree."""

import json
import signal
import subprocess
from pathlib import Path
from typing import IO, Self

from tests.cluster.deployment import Outside, merged
from tests.cluster.kube import Kube

COMMAND = ("skaffold", "dev", "-p", "lab", "--port-forward=off", "--tail=false")


class Skaffold:
    """`with Skaffold(tree) as dev:` runs until Ctrl-C, which takes away what it deployed."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._log = tree / "skaffold.log"
        self._process: subprocess.Popen[bytes] | None = None

    def is_running(self) -> bool:
        """Fails with its last words when it is not."""
        ended = self._process is None or self._process.poll() is not None
        assert not ended, self._log.read_text()[-3000:]
        return True

    def interrupt(self) -> None:
        """Ctrl-C; returns when it has ended."""
        process, self._process = self._process, None
        if process:
            process.send_signal(signal.SIGINT)
            assert process.wait(120) == 0, self._log.read_text()[-3000:]

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = self._started(log)
        return self

    def __exit__(self, *_: object) -> None:
        self.interrupt()

    def _started(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            COMMAND, cwd=self._tree, stdout=log, stderr=log, start_new_session=True
        )


def with_servers_of_this_run(tree: Path, kube: Kube, outside: Outside) -> None:
    """The lab's overlay of the copy then leads to these servers."""
    overlays = tree / "knative" / "overlays"
    (overlays / "lab").rename(overlays / "lab-as-it-is")
    laid_over = {
        "namespace": kube.namespace,
        "resources": ["../lab-as-it-is"],
        "secretGenerator": [merged(name, own) for name, own in outside.secrets().items()],
    }
    (overlays / "lab").mkdir()
    (overlays / "lab" / "kustomization.yaml").write_text(json.dumps(laid_over))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} is not once in {file}"
    file.write_text(text.replace(old, new))
