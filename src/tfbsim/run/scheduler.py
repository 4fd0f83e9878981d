"""What --scheduler may name: a Dask scheduler, or a file of one that is to be started.

tcp://host:port        a scheduler that runs
scheduler.json         the file it wrote (`dask scheduler --scheduler-file`)
cluster.yaml           starts one, with workers on this machine or in the jobs of
                       Slurm, PBS or LSF (dask-jobqueue); they end with the run
"""

from __future__ import annotations

import json
import logging
import re
import socket
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster, Status
from distributed.utils import silence_logging_cmgr

from ..errors import InputError, shown
from ..yaml_file import Document, load
from .cluster_file import ClusterFile, job_options, read
from .workers import unheard

CONNECT = 10.0  # s until it is told that nobody listens
ADDRESS = re.compile(
    r"((tcp|tls|ucx|ws|wss)://)?[^\s/:]+:[0-9]{1,5}|tcp://\[[0-9a-fA-F:]+\]:[0-9]{1,5}"
)


@dataclass(frozen=True)
class Connection:
    """To a scheduler.

    Parameters
    ----------
    client : distributed.Client
        Of Dask.
    name : str
        As the user named it.
    queued : bool
        Whether its workers wait in a queue, for as long as that takes.
    refused : list of str
        What the queue said of jobs that it did not take.
    """

    client: Client
    name: str
    queued: bool = False
    refused: list[str] = field(default_factory=list)


@contextmanager
def connected(scheduler: str) -> Iterator[Connection]:
    """A connection to what ``--scheduler`` names.

    Raises
    ------
    InputError
        It is no such thing, nobody listens there, or it runs another Dask.
    """
    with ExitStack() as stack:
        for name in ("distributed", "distributed.client", "tornado.application"):
            # What matters is told in one sentence, and by the run
            stack.enter_context(silence_logging_cmgr(logging.CRITICAL + 1, name))
        refused: list[str] = []
        queued = False
        if scheduler.endswith((".yaml", ".yml")):
            document = load(scheduler)
            file = read(document)
            queued = file.local is None
            address = stack.enter_context(_started(document, file, refused))
        else:
            address = _address(scheduler)
        client = stack.enter_context(_client(address, scheduler))
        _same_dask(client, scheduler)
        yield Connection(client, scheduler, queued, refused)


def _address(scheduler: str) -> str:
    if scheduler.endswith(".json"):
        try:
            address = str(json.loads(Path(scheduler).read_text("utf-8"))["address"])
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror})", scheduler) from None
        except (ValueError, TypeError, KeyError):
            raise InputError("is no scheduler file of Dask", scheduler) from None
        return address
    if not ADDRESS.fullmatch(scheduler):
        raise InputError(
            f"'{shown(scheduler)}' is no address (tcp://host:port), no scheduler file "
            "(.json) and no cluster file (.yaml)",
            field="--scheduler",
        )
    return scheduler


@contextmanager
def _client(address: str, name: str) -> Iterator[Client]:
    try:
        _answers(address)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions: those that matter are compared
            client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"no Dask scheduler answers there ({shown(error)})",
            field=f"--scheduler {name}",
        ) from None
    try:
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=5)


def _answers(address: str) -> None:
    """Knock: Dask greets whoever connects, but waits for ever for others to greet it."""
    protocol, _, place = address.rpartition("://")
    if protocol in ("", "tcp"):
        host, _, port = place.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT) as door:
            if not door.recv(1):
                raise OSError("something else listens")


def _same_dask(client: Client, name: str) -> None:
    """Dask speaks to others of its version only."""
    found: Any = client.get_versions()
    own = found["client"]["packages"]
    others = {"the scheduler": found["scheduler"], **found["workers"]}
    for who, theirs in others.items():
        for package in ("distributed", "python"):
            one, other = own[package], theirs["packages"][package]
            if package == "python":
                one, other = (".".join(v.split(".")[:2]) for v in (one, other))
            if one != other:
                raise InputError(
                    f"{who} has {package} {other}, and this machine {one}; install the "
                    "same on both",
                    field=f"--scheduler {name}",
                )


# --- Clusters that are started ------------------------------------------------------


@contextmanager
def _started(document: Document, file: ClusterFile, refused: list[str]) -> Iterator[str]:
    """The address of the cluster a file describes, there until the run ends."""
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
        cluster: Any
        if file.local:
            with unheard():
                cluster = LocalCluster(
                    n_workers=file.local.workers,
                    threads_per_worker=1,
                    dashboard_address=":0",
                    silence_logs=logging.CRITICAL,
                )
        else:
            cluster = queue(document, file, refused)
    with closing(cluster):
        if not file.local:
            if file.adapt:
                cluster.adapt(
                    minimum_jobs=file.adapt.minimum, maximum_jobs=file.adapt.maximum
                )
            else:
                cluster.scale(jobs=file.jobs)
        yield cluster.scheduler_address


def queue(document: Document, file: ClusterFile, refused: list[str]) -> Any:
    """A cluster of dask-jobqueue, without jobs yet: ``job_script()`` shows what they do.

    Parameters
    ----------
    document, file : Document, ClusterFile
        As read.
    refused : list of str
        Gets what the queue says of jobs that it does not take.

    Raises
    ------
    InputError
        Naming file, line and field.
    """
    system, kind, options = job_options(document, file)

    class Submitted(kind.job_cls):  # type: ignore[name-defined]
        async def start(self) -> None:
            try:
                await super().start()
            except (RuntimeError, OSError, ValueError) as error:
                said = str(error).rpartition("stderr:")[2].strip()
                refused.append(shown(said or error, 200))
                self.status = Status.failed  # which the cluster asserts when it closes
                raise

    options.setdefault("scheduler_options", {})
    if isinstance(options["scheduler_options"], dict):
        options["scheduler_options"].setdefault("dashboard_address", ":0")
    try:
        return kind(job_cls=Submitted, **options)
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise document.error((system,), f"dask-jobqueue: {shown(error, 200)}") from None
