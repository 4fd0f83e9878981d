"""A cluster file: what ``--scheduler cluster.yaml`` starts for a run; needs no Dask."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, StrictStr

from ..errors import shown, suggest
from ..fields import Strict, check_head, validate
from ..yaml_file import Document

SYSTEMS = {"slurm": "SLURM", "pbs": "PBS", "lsf": "LSF"}
# Of dask-jobqueue: what is set here, cannot stand in a file, or has a newer name
NOT_IN_FILES = {
    *("self", "scheduler", "name", "job_cls", "loop", "asynchronous", "scheduler_cls"),
    *("host", "security", "silence_logs", "n_workers", "dashboard_address", "project"),
    *("extra", "job_extra", "env_extra", "header_skip", "config_name", "job_kwargs"),
    *("base_class_kwargs", "shared_temp_directory"),
}

ADDRESS = re.compile(
    r"((tcp|tls)://)?[^\s/:\[\]]+:[0-9]{1,5}|(tcp|tls)://\[[0-9a-fA-F:]+\]:[0-9]{1,5}"
)
# Dask opens an HTTP server of its state, whether asked or not: on the loopback
HTTP = "127.0.0.1:0"

Options = dict[str, object]  # of dask-jobqueue, which knows them
Count = Annotated[StrictInt, Field(ge=1, le=100_000)]


class Local(Strict):
    """Worker processes of this machine."""

    workers: Count


class Adapt(Strict):
    """Between how many jobs the queue is asked for, as there is work."""

    minimum: Annotated[StrictInt, Field(ge=0)] = 0
    maximum: Count


class Tls(Strict):
    """Certificates, by the files that hold them (PEM), beside the cluster file."""

    ca: StrictStr
    certificate: StrictStr
    key: StrictStr


class ClusterFile(Strict):
    """A cluster that is started for a run; documented in docs/clusters.md."""

    format: Literal[1] = 1
    kind: Literal["cluster"] = "cluster"
    description: StrictStr = ""
    address: StrictStr | None = None
    local: Local | None = None
    slurm: Options | None = None
    pbs: Options | None = None
    lsf: Options | None = None
    jobs: Count | None = None
    adapt: Adapt | None = None
    tls: Tls | None = None

    @property
    def system(self) -> str:
        """The queue whose jobs are the workers, or nothing."""
        return next((name for name in SYSTEMS if getattr(self, name) is not None), "")


def read(document: Document) -> ClusterFile:
    """Return a cluster file, checked.

    Raises
    ------
    InputError
        Naming file, line and field.
    """
    check_head(document, "cluster")
    file: ClusterFile = validate(ClusterFile, document.data, document=document)
    kinds = ("address", "local", *SYSTEMS)
    if sum(getattr(file, name) is not None for name in kinds) != 1:
        raise document.error((), f"give one of {', '.join(kinds)}")
    if file.address is not None and not ADDRESS.fullmatch(file.address):
        message = f"'{shown(file.address)}' is not tcp://host:port or tls://host:port"
        raise document.error(("address",), message)
    if file.tls and file.address and not file.address.startswith("tls://"):
        raise document.error(("address",), "with tls, must begin with tls://")
    if not file.system and (file.jobs or file.adapt):
        raise document.error((), "jobs and adapt are for a queue; local has workers")
    if file.system and bool(file.jobs) == bool(file.adapt):
        raise document.error((), "a queue needs jobs or adapt, and not both")
    return file


def check_cluster(document: Document) -> None:
    """Refuse a cluster file that no machine can start.

    Raises
    ------
    InputError
        Naming file, line and field; or the fields are those of dask-jobqueue, and it is
        not installed.
    """
    file = read(document)
    if file.system:
        job_options(document, file)


def job_options(document: Document, file: ClusterFile) -> tuple[Any, Options]:
    """Return the cluster of dask-jobqueue for a queue, and what that is given.

    Raises
    ------
    InputError
        Naming file, line and field; or dask-jobqueue is not installed.
    """
    try:
        import dask_jobqueue
        from dask_jobqueue.core import JobQueueCluster
    except ModuleNotFoundError:
        message = "needs dask-jobqueue: pip install 'tfbsim[cluster]'"
        raise document.error((), message) from None

    system = file.system
    options = dict(getattr(file, system))
    kind = getattr(dask_jobqueue, f"{SYSTEMS[system]}Cluster")
    known = _options(kind)
    for name in options:
        if name not in known:
            message = f"is unknown to dask-jobqueue{suggest(name, known)}"
            raise document.error((system, name), message)
    for name in ("cores", "memory"):
        if name not in options:
            message = f"needs {name}, of one job"
            raise document.error((system,), message)
    # A process of its own for each core: one computes one chunk at a time
    options.setdefault("processes", options["cores"])
    options.setdefault("python", sys.executable)
    more = options.get("worker_extra_args") or []
    if isinstance(more, list) and "--dashboard-address" not in more:
        options["worker_extra_args"] = [*more, "--dashboard-address", HTTP]
    if of_scheduler(options) != (options.get("scheduler_options") or {}):
        raise document.error((system, "scheduler_options"), "must be fields and values")
    of_cluster = inspect.signature(JobQueueCluster.__init__).parameters
    of_job = {k: v for k, v in options.items() if k not in of_cluster}
    try:
        kind.job_cls("tcp://scheduler:8786", "job", **of_job).job_script()
    except Exception as error:  # whatever comes of what a file may hold
        raise document.error((system,), f"dask-jobqueue: {shown(error, 200)}") from None
    return kind, options


def of_scheduler(options: Options) -> Options:
    """Return what a queue's file gives the scheduler."""
    given = options.get("scheduler_options")
    return given if isinstance(given, dict) else {}


def reached_by(file: ClusterFile) -> bool:
    """Return whether a queue's file says where its scheduler is to listen."""
    options = getattr(file, file.system)
    own = of_scheduler(options)
    if options.get("interface") or own.get("host") or own.get("interface"):
        return True
    try:
        from dask import config
    except ModuleNotFoundError:
        return False
    return bool(config.get(f"jobqueue.{file.system}.interface", None))


def remark(document: Document) -> str:
    """Return what a user should know of a valid cluster file, or nothing."""
    file = read(document)
    if not file.system or reached_by(file):
        return ""
    return (
        "names no interface: the scheduler listens on the loopback of this machine "
        "alone, and jobs on others do not find it"
    )


def _options(kind: Any) -> list[str]:
    """Return what a cluster of dask-jobqueue takes, and the jobs of it."""
    classes = [*kind.__mro__, *kind.job_cls.__mro__]
    names: Mapping[str, None] = {
        name: None
        for c in classes
        if c.__module__.startswith("dask_jobqueue") and "__init__" in vars(c)
        for name in inspect.signature(c.__init__).parameters
        if name not in NOT_IN_FILES and not name.startswith(("kw", "args", "job_kw"))
    }
    return list(names)
