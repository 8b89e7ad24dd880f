"""The engine that a test run uses: one that answers, else one of our own with its images."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import docker

from . import daemon, images

DEFAULT = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Engine:
    """An engine that answers."""

    address: str
    """As ``DOCKER_HOST`` says it."""

    @cached_property
    def client(self) -> docker.DockerClient:
        return docker.DockerClient(self.address, timeout=120)

    @property
    def environment(self) -> dict[str, str]:
        """Of a program that is to use this engine."""
        return {
            "DOCKER_HOST": self.address,
            # testcontainers' helper would come from a registry; each test removes its own.
            "TESTCONTAINERS_RYUK_DISABLED": "true",
        }

    @cached_property
    def platform_image(self) -> str:
        """The name of our image, built of this checkout."""
        return images.build_platform(self.address)


@contextlib.contextmanager
def an_engine() -> Iterator[Engine]:
    """The machine's engine, or one of our own. Raises MissingError if there can be none."""
    if daemon.answers(None):
        yield Engine(os.environ.get("DOCKER_HOST", DEFAULT))
        return
    with daemon.started() as address:
        engine = Engine(address)
        images.import_base(engine.client)
        images.import_stand_ins(engine.client)
        yield engine
