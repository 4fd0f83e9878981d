"""What --scheduler may name: a Dask scheduler, or a file of one that is to be started.

tcp://host:port        a scheduler that runs; tls:// with the certificates that Dask's
                       configuration names
scheduler.json         the file it wrote (`dask scheduler --scheduler-file`)
cluster.yaml           names one with its certificates, or starts one, with workers on
                       this machine or in the jobs of Slurm, PBS or LSF (dask-jobqueue);
                       they end with the run

Nothing that is started here listens beyond the loopback unless a field says so.
"""

from __future__ import annotations

import logging
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field

import dask
from distributed import Client, LocalCluster, Security, Status
from distributed.deploy import Cluster
from distributed.utils import silence_logging_cmgr

from ..errors import InputError, shown
from ..output import read_json
from ..yaml_file import Document, load
from .cluster_file import (
    ADDRESS,
    HTTP,
    ClusterFile,
    job_options,
    of_scheduler,
    reached_by,
    read,
)
from .workers import interrupts_ignored

CONNECT = 10.0  # s until it is told that nobody listens
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Connection:
    """To a scheduler, by the name that the user gave it."""

    client: Client
    name: str
    queued: bool = False  # its workers wait in a queue, for as long as that takes
    refused: list[str] = field(default_factory=list)  # what that said of jobs


@contextmanager
def connected(scheduler: str) -> Iterator[Connection]:
    """Connect to what ``--scheduler`` names.

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
            queued = bool(file.system)
            security = _security(document, file)
            address = file.address or stack.enter_context(
                _started(document, file, security, refused)
            )
        else:
            address, security = _address(scheduler), Security()
        client = stack.enter_context(_client(address, security, scheduler))
        _same_dask(client, scheduler)
        yield Connection(client, scheduler, queued, refused)


def _address(scheduler: str) -> str:
    if scheduler.endswith(".json"):
        content = read_json(scheduler, "scheduler file of Dask")
        address = content.get("address")
        if not isinstance(address, str) or not ADDRESS.fullmatch(address):
            raise InputError("is no scheduler file of Dask", scheduler)
        return address
    if not ADDRESS.fullmatch(scheduler):
        raise InputError(
            f"'{shown(scheduler)}' is no address (tcp://host:port or tls://host:port), "
            "no scheduler file (.json) and no cluster file (.yaml)",
            field="--scheduler",
        )
    return scheduler


def _security(document: Document, file: ClusterFile) -> Security:
    """Return the certificates of a cluster file, or those of Dask's configuration."""
    if (tls := file.tls) is None:
        return Security()
    ca, certificate, key = (
        str(document.path.parent / name) for name in (tls.ca, tls.certificate, tls.key)
    )
    mine = {
        f"tls_{role}_{part}": path
        for role in ("client", "scheduler", "worker")
        for part, path in (("cert", certificate), ("key", key))
    }
    found = Security(tls_ca_file=ca, require_encryption=True, **mine)
    try:
        found.get_connection_args("client")
    except (OSError, ValueError) as error:
        message = f"cannot be read as certificates and key ({shown(error)})"
        raise document.error(("tls",), message) from None
    return found


@contextmanager
def _client(address: str, security: Security, name: str) -> Iterator[Client]:
    field = f"--scheduler {name}"
    context = None
    if address.startswith("tls://"):
        try:
            context = security.get_connection_args("client")["ssl_context"]
        except (OSError, ValueError) as error:
            message = f"its certificates cannot be read ({shown(error)})"
            raise InputError(message, field=field) from None
        if context is None:
            raise InputError(
                "needs certificates: by `tls` in a cluster file, or in Dask's "
                "configuration (distributed.comm.tls)",
                field=field,
            )
    try:
        _answers(address, context)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions: those that matter are compared
            how = {"timeout": CONNECT, "set_as_default": False, "security": security}
            client = Client(address, **how)
    except (OSError, ValueError, TypeError) as error:
        message = f"no Dask scheduler answers there ({shown(error)})"
        raise InputError(message, field=field) from None
    try:
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=5)


def _answers(address: str, context: ssl.SSLContext | None) -> None:
    """Refuse what does not greet: Dask does, but waits for ever to be greeted itself."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    with ExitStack() as stack:
        place = host.strip("[]"), int(port)
        door = stack.enter_context(socket.create_connection(place, CONNECT))
        if context:
            door = stack.enter_context(context.wrap_socket(door))
        if not door.recv(1):
            raise OSError("something else listens")


def _same_dask(client: Client, name: str) -> None:
    """Refuse another version of Dask, which speaks to its own only."""
    found = client.get_versions()
    own = found["client"]["packages"]
    others = {"the scheduler": found["scheduler"], **found["workers"]}
    for who, theirs in others.items():
        for package, parts in (("distributed", None), ("python", 2)):
            versions = own[package], theirs["packages"][package]
            one, other = (".".join(v.split(".")[:parts]) for v in versions)
            if one != other:
                raise InputError(
                    f"{who} has {package} {other}, and this machine {one}; install the "
                    "same on both",
                    field=f"--scheduler {name}",
                )


# --- Clusters that are started ------------------------------------------------------


@contextmanager
def _started(
    document: Document, file: ClusterFile, security: Security, refused: list[str]
) -> Iterator[str]:
    """Start the cluster of a file, which ends with the run, and provide its address."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        closing(_made(document, file, security, refused)) as cluster,
    ):
        if file.adapt:
            most, least = file.adapt.maximum, file.adapt.minimum
            cluster.adapt(minimum_jobs=least, maximum_jobs=most)
        elif file.jobs:
            cluster.scale(jobs=file.jobs)
        yield cluster.scheduler_address


def _made(
    document: Document, file: ClusterFile, security: Security, refused: list[str]
) -> Cluster:
    if not file.local:
        return queue(document, file, refused, security)
    with interrupts_ignored():
        return LocalCluster(
            n_workers=file.local.workers,
            threads_per_worker=1,
            host=LOOPBACK,
            protocol="tls://" if file.tls else "tcp://",
            security=security,
            dashboard_address=HTTP,
            worker_dashboard_address=HTTP,
            silence_logs=logging.CRITICAL,
        )


def queue(
    document: Document,
    file: ClusterFile,
    refused: list[str],
    security: Security | None = None,
) -> Cluster:
    """Return a cluster of dask-jobqueue without jobs yet.

    ``job_script()`` shows what they do; ``refused`` gets what the queue says of jobs that
    it does not take.

    Raises
    ------
    InputError
        Naming file, line and field.
    """
    kind, options = job_options(document, file)

    class Submitted(kind.job_cls):  # type: ignore[name-defined]
        async def start(self) -> None:
            try:
                await super().start()
            except (RuntimeError, OSError, ValueError) as error:
                said = str(error).rpartition("stderr:")[2].strip()
                refused.append(shown(said or error, 200))
                self.status = Status.failed  # which the cluster asserts when it closes
                raise

    if file.tls:
        options["security"] = security
    options["scheduler_options"] = {
        "dashboard_address": HTTP,
        **({} if reached_by(file) else {"host": LOOPBACK}),
        **of_scheduler(options),
    }
    try:
        return kind(job_cls=Submitted, **options)
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        message = f"dask-jobqueue: {shown(error, 200)}"
        raise document.error((file.system,), message) from None
