"""A run on a Dask cluster: real scheduler and worker processes on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from shutil import copytree, which

import pytest

pytest.importorskip("distributed")

import dask

import tfbsim
from tfbsim.errors import InputError
from tfbsim.experiment.expand import expand
from tfbsim.numerics import Numerics
from tfbsim.result.result import CURVES, LOSSES, STEPS, SUMMARY
from tfbsim.run import cluster as module
from tfbsim.run import scheduler
from tfbsim.run.cluster import cluster
from tfbsim.run.cluster_file import check_cluster, read, remark
from tfbsim.run.ledger import LEDGER, Ledger, Point
from tfbsim.run.run import CaseJob, run_experiment
from tfbsim.run.scheduler import Connection, connected, queue
from tfbsim.run.workers import KILLED
from tfbsim.yaml_file import load

INPUTS = Path(__file__).parent / "inputs"
COARSE = Numerics(points=20)
BYTES = (SUMMARY, STEPS, CURVES, LOSSES)
SWEEP = """\
format: 1
kind: experiment
cell: cell.yaml
steps: ['Discharge at {rate} until 3.6 V']
curves: {cycles: all}
sweep:
  factors:
    rate: {linear: [1C, 3C, 4]}
    cathode.thickness: [1 um, 2 um]
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")


def environment(**more: str) -> dict[str, str]:
    folders = Path(tfbsim.__file__).parents[1], Path(__file__).parent
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))} | more


@contextmanager
def dask_cluster(folder, *workers):
    """The scheduler file of a cluster, and its processes, the scheduler first."""
    file = folder / "scheduler.json"
    started = []
    with ExitStack() as stack:
        for kind, *options in (
            ("scheduler", "--host", "127.0.0.1", "--port", "0"),
            *(("worker", "--host", "127.0.0.1", *options) for options in workers),
        ):
            command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options]
            process = subprocess.Popen(
                [*command, "--scheduler-file", file, "--no-dashboard"],
                env=environment(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1"),
                cwd=folder,  # where no file of the run is
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            started.append(stack.enter_context(process))
            stack.callback(end, process)
        while not file.exists() or not file.read_text().endswith("}"):
            time.sleep(0.02)
        yield str(file), started


def end(process):
    """A process and those that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A cluster of two worker processes, one of which has three threads."""
    workers = ("--nthreads", "1"), ("--nthreads", "3")
    with dask_cluster(tmp_path_factory.mktemp("dask"), *workers) as (file, _):
        yield file


@pytest.fixture
def connection(address):
    with connected(address) as found:
        found.client.wait_for_workers(2, timeout=60)
        yield found


@pytest.fixture
def sweep(tmp_path):
    copytree(INPUTS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path / "sweep.yaml"


at_once = 0


class Sleeps:
    """A job that takes time; some numbers kill the process that computes them."""

    def __init__(self, *kills, seconds=0.02, error=None):
        self.kills, self.seconds, self.error = kills, seconds, error

    def __call__(self, numbers):
        global at_once
        at_once += 1
        points = [self.point(number) for number in numbers]
        at_once -= 1
        return points

    def point(self, number):
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        if number in self.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        return Point(str(number), f"{os.getpid()} {at_once}", None, "", b"", b"")

    def failed(self, number, reason):
        return Point(str(number), "", reason, "", b"", b"")


def computed(job, count, connection):
    """Points of a job in the order of their numbers, each there once."""
    points = [p for some in cluster(job, range(count), connection) for p in some]
    points.sort(key=lambda point: int(point.key))
    assert [point.key for point in points] == [str(k) for k in range(count)]
    return points


class TestRun:
    def test_same_bytes(self, sweep, address, tmp_path):
        """As computed in this process."""
        expanded = expand(sweep)
        for name, where in (("here", None), ("dask", address)):
            result = run_experiment(expanded, numerics=COARSE, scheduler=where)
            assert result.as_asked
            result.save(tmp_path / name, figures=False)
        for name in BYTES:
            one, other = (tmp_path / folder / name for folder in ("here", "dask"))
            assert one.read_bytes() == other.read_bytes()

    def test_one_chunk_at_a_time_in_a_process(self, connection):
        points = computed(Sleeps(), 60, connection)
        who = {point.name.split()[0] for point in points}
        assert len(who) == 2  # both worked
        assert {point.name.split()[1] for point in points} == {"1"}

    def test_bad_input_ends_the_run(self, connection):
        with pytest.raises(InputError, match=r"^will not do$"):
            computed(Sleeps(error=InputError("will not do")), 4, connection)

    def test_a_worker_without_this_tfbsim(self, connection, monkeypatch):
        monkeypatch.setattr(module, "surroundings", lambda: {"tfbsim": "0.0"})
        with pytest.raises(InputError, match=r"a worker has tfbsim .*this machine 0\.0;"):
            list(cluster(Sleeps(), range(4), connection))

    def test_a_job_that_cannot_be_run_there(self, connection):
        with pytest.raises(InputError, match=r"a worker cannot run this.*ZeroDivision"):
            computed(Sleeps(error=ZeroDivisionError("no")), 4, connection)

    def test_what_is_not_asked_for_any_more_is_cancelled(self, connection):
        with closing(cluster(Sleeps(seconds=0.2), range(1000), connection)) as found:
            next(found)
        for _ in range(200):
            if not any(connection.client.processing().values()):
                return
            time.sleep(0.05)
        pytest.fail("chunks are still run")


@pytest.mark.slow
@posix
class TestKilled:
    def test_a_worker_in_mid_run(self, connection):
        client = connection.client
        before = set(client.run(os.getpid).values())
        victim = min(before)
        found, points = cluster(Sleeps(seconds=0.05), range(150), connection), []
        for some in found:
            points += some
            if len(points) > 20 and victim:
                os.kill(victim, signal.SIGKILL)
                victim = None
        assert sorted(int(point.key) for point in points) == list(range(150))
        assert not any(point.failed for point in points)

    def test_all_workers_in_mid_run(self, connection):
        pids = list(connection.client.run(os.getpid).values())
        points = []
        for some in cluster(Sleeps(seconds=0.05), range(150), connection):
            points += some
            if len(points) > 20:
                while pids:
                    os.kill(pids.pop(), signal.SIGKILL)
        assert sorted(int(point.key) for point in points) == list(range(150))
        assert not any(point.failed for point in points)

    def test_a_point_that_kills_its_worker(self, connection):
        points = computed(Sleeps(7), 40, connection)
        failed = {int(p.key): p.failed for p in points if p.failed}
        assert failed == {7: KILLED}


@pytest.mark.slow
@posix
class TestUnreachable:
    def test_the_connection_is_lost_in_mid_run(self, tmp_path):
        slow = Sleeps(seconds=0.2)
        with (
            dask_cluster(tmp_path, ["--nthreads", "1"]) as (file, processes),
            connected(file) as connection,
            pytest.raises(InputError, match="connection was lost; what was finished is"),
        ):
            for k, _ in enumerate(cluster(slow, range(1000), connection)):
                if k == 1:
                    os.killpg(processes[0].pid, signal.SIGKILL)

    def test_no_workers(self, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "PATIENCE", 3.0)
        with (
            dask_cluster(tmp_path) as (file, _),
            connected(file) as connection,
            pytest.raises(InputError, match="no workers for 3 s; start some"),
        ):
            list(cluster(Sleeps(), range(3), connection))

    def test_ctrl_c(self, sweep, address, connection):
        """As a terminal sends it; what was finished is kept, and the rest forgotten."""
        text = SWEEP.replace("[1C, 3C, 4]", "[1C, 3C, 4000]")
        sweep.write_text(text)
        out = sweep.parent / "out"
        command = [sys.executable, "-m", "tfbsim", "run", sweep.name, "--out", "out"]
        process = subprocess.Popen(
            [*command, "--points", "20", "--scheduler", address, "--quiet"],
            cwd=sweep.parent,
            env=environment(),
            start_new_session=True,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            while not (out / LEDGER).exists() or not kept(out):
                assert process.poll() is None
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(60) == 130
            (told,) = process.stderr.read().splitlines()
        assert told.startswith("interrupted; ")
        assert 0 < kept(out) < 8000
        for _ in range(200):
            if not any(connection.client.processing().values()):
                return
            time.sleep(0.05)
        pytest.fail("chunks are still run")


def kept(folder):
    with Ledger(folder / LEDGER) as ledger:
        return len(ledger.finished())


class TestAddress:
    def refused(self, name, *words):
        with pytest.raises(InputError) as caught, connected(name):
            pass
        text = str(caught.value)
        assert text.splitlines() == [text] and all(word in text for word in words)

    @pytest.mark.parametrize("name", ["nowhere", "tcp://", "a b:1", "http://a:1", ":1"])
    def test_no_address(self, name):
        self.refused(name, "--scheduler", "tcp://host:port")

    def test_nobody_listens(self):
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            port = server.getsockname()[1]
        self.refused(
            f"127.0.0.1:{port}", f"127.0.0.1:{port}", "no Dask scheduler", "refused"
        )

    def test_something_else_listens(self, monkeypatch):
        monkeypatch.setattr(scheduler, "CONNECT", 1.0)
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            self.refused(
                f"tcp://127.0.0.1:{server.getsockname()[1]}", "no Dask scheduler"
            )

    def test_earlier_results_stay_where_nobody_listens(self, sweep):
        out = sweep.parent / "out"
        run_experiment(expand(sweep, None, {"rate": "1C"}), numerics=COARSE, folder=out)
        before = {p: p.read_bytes() for p in out.iterdir()}
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            port = server.getsockname()[1]
        with pytest.raises(InputError):
            run_experiment(
                expand(sweep), numerics=COARSE, folder=out, scheduler=f"127.0.0.1:{port}"
            )
        assert {p: p.read_bytes() for p in out.iterdir()} == before

    @pytest.mark.parametrize("text", ["", "[]", "{}", '"x"'])
    def test_no_scheduler_file(self, tmp_path, text):
        (tmp_path / "s.json").write_text(text)
        self.refused(str(tmp_path / "s.json"), "s.json: is no scheduler file")
        self.refused(str(tmp_path / "t.json"), "t.json: no such file")

    def test_another_dask(self, connection):
        versions = connection.client.get_versions()
        versions["scheduler"]["packages"]["distributed"] = "2020.1"

        class Other:
            def get_versions(self):
                return versions

        with pytest.raises(InputError, match=r"scheduler has distributed 2020\.1, and"):
            scheduler._same_dask(Other(), "x:1")


class TestClusterFile:
    HEAD = "format: 1\nkind: cluster\n"

    def written(self, folder, text):
        (folder / "cluster.yaml").write_text(self.HEAD + text)
        return str(folder / "cluster.yaml")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "1: give one of address, local, slurm, pbs, lsf"),
            ("local: {workers: 0}", "3: local.workers"),
            ("loca: {workers: 2}", "3: loca: unknown key 'loca'; did you mean 'local'?"),
            ("local: {workers: 2}\njobs: 1", "for a queue"),
            ("slurm: {cores: 1, memory: 1 GB}", "needs jobs or adapt"),
            ("slurm: {cores: 1}\njobs: 1", "3: slurm: needs memory"),
            (
                "jobs: 1\nslurm:\n  cores: 1\n  walltimes: 01:00:00",
                "6: slurm.walltimes: is unknown to dask-jobqueue; did you mean 'wallt",
            ),
            ("pbs: {cores: 1, memory: 1 parsec}\njobs: 1", "3: pbs: dask-jobqueue: "),
            ("lsf: {cores: two, memory: 1 GB}\njobs: 1", "3: lsf: dask-jobqueue: "),
            ("pbs: {cores: 0, memory: 1 GB}\njobs: 1", "3: pbs: dask-jobqueue: "),
            ("adapt: {maximum: 0}\nlsf: {cores: 1}", "3: adapt.maximum"),
        ],
    )
    def test_mistakes(self, tmp_path, text, words):
        pytest.importorskip("dask_jobqueue")
        with pytest.raises(InputError) as caught, connected(self.written(tmp_path, text)):
            pass
        assert words in str(caught.value)
        with pytest.raises(InputError) as checked:
            check_cluster(load(tmp_path / "cluster.yaml"))
        assert str(checked.value) == str(caught.value)

    def test_check_without_dask(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
        check_cluster(load(self.written(tmp_path, "local: {workers: 2}")))
        name = self.written(tmp_path, "slurm: {cores: 1, memory: 1 GB}\njobs: 1")
        with pytest.raises(InputError, match=r"pip install 'tfbsim\[cluster\]'"):
            check_cluster(load(name))

    @pytest.mark.parametrize(
        ("system", "lines"),
        [
            ("slurm", ("#SBATCH -p batch", "#SBATCH -t 02:00:00", "cpus-per-task=4")),
            ("pbs", ("#PBS -q batch", "#PBS -l walltime=02:00:00", "ncpus=4")),
            ("lsf", ("#BSUB -q batch", "#BSUB -W 02:00", "#BSUB -n 4")),
        ],
    )
    def test_job_script(self, tmp_path, system, lines):
        pytest.importorskip("dask_jobqueue")
        walltime = "02:00" if system == "lsf" else "02:00:00"
        text = f"""\
jobs: 3
{system}:
  cores: 4
  memory: 8 GB
  queue: batch
  walltime: {walltime}
  job_script_prologue: [module load python]
"""
        if system == "lsf":
            text += "  use_stdin: true\n  lsf_units: mb\n"
        document = load(self.written(tmp_path, text))
        with closing(queue(document, read(document), [])) as found:
            script = found.job_script()
        for line in (*lines, "module load python", "--nthreads 1", "--nworkers 4"):
            assert line in script

    def submits(self, folder, monkeypatch, script):
        """Slurm's command, for want of Slurm."""
        (folder / "bin").mkdir()
        command = folder / "bin" / "sbatch"
        command.write_text("#!/bin/sh\n" + script)
        command.chmod(0o755)
        (folder / "bin" / "scancel").write_text('#!/bin/sh\nkill -9 -- -"$1"\n')
        (folder / "bin" / "scancel").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
        return self.written(
            folder,
            "jobs: 1\n"
            "slurm:\n"
            "  cores: 1\n"
            "  memory: 1 GB\n"
            "  scheduler_options: {host: 127.0.0.1}\n",
        )

    def test_a_queue_that_refuses(self, tmp_path, monkeypatch):
        pytest.importorskip("dask_jobqueue")
        script = 'echo "sbatch: error: invalid partition" >&2; exit 1\n'
        name = self.submits(tmp_path, monkeypatch, script)
        with (
            connected(name) as found,
            pytest.raises(InputError, match="takes no jobs: sbatch: error: invalid"),
        ):
            computed(Sleeps(), 3, found)

    @pytest.mark.slow
    @posix
    def test_jobs_do_the_work(self, tmp_path, monkeypatch):
        """What sbatch is given is run as it stands."""
        pytest.importorskip("dask_jobqueue")
        script = """\
cp "$1" "$1".job
setsid sh "$1".job </dev/null >/dev/null 2>&1 &
echo "Submitted batch job $!"
"""
        with connected(self.submits(tmp_path, monkeypatch, script)) as found:
            computed(Sleeps(), 10, found)

    @pytest.mark.slow
    def test_local(self, tmp_path, sweep):
        name = self.written(tmp_path, "local: {workers: 2}")
        expanded = expand(sweep)
        job = CaseJob(expanded.cases, COARSE)
        here = job(range(len(expanded.cases)))
        with connected(name) as found:
            assert isinstance(found, Connection)
            points = [p for some in cluster(job, range(8), found) for p in some]
            assert sorted(points) == sorted(here)


def test_without_distributed(sweep, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "tfbsim.run.scheduler")
    with pytest.raises(InputError, match=r"pip install 'tfbsim\[cluster\]'"):
        run_experiment(expand(sweep), numerics=COARSE, scheduler="127.0.0.1:8786")


# --- Ports and certificates ----------------------------------------------------------


def listening(pid: int | None = None) -> set[tuple[str, int]]:
    """Addresses at which a process, by default this one, and those it started listen."""
    psutil = pytest.importorskip("psutil")
    found, processes = set(), []
    with suppress(psutil.Error):  # it ended meanwhile
        first = psutil.Process(pid)
        processes = [first, *first.children(recursive=True)]
    for process in processes:
        with suppress(psutil.Error):
            for one in process.net_connections("inet"):
                if one.status == psutil.CONN_LISTEN:
                    found.add((one.laddr.ip, one.laddr.port))
    return found


def certificates(folder):
    """A certificate of the loopback, its key, and the authority that signed it."""
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=tfbsim", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", folder / "key.pem", "-out", folder / "certificate.pem"),
        ],
        capture_output=True,
    )
    assert made.returncode == 0, made.stderr
    return "tls: {ca: certificate.pem, certificate: certificate.pem, key: key.pem}\n"


openssl = pytest.mark.skipif(not which("openssl"), reason="makes certificates")
LOCAL = "format: 1\nkind: cluster\nlocal: {workers: 1}\n"


def cluster_of(path, text):
    path.write_text(text)
    return str(path)


def test_a_local_cluster_listens_on_the_loopback_alone(tmp_path):
    before = listening()
    with connected(cluster_of(tmp_path / "c.yaml", LOCAL)) as found:
        found.client.wait_for_workers(1, timeout=60)
        opened = listening() - before
    assert len(opened) > 2  # scheduler, nanny, worker
    assert {ip for ip, _ in opened} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("more", "some"),
    [
        (["--workers", "2"], False),
        pytest.param(["--scheduler", "c.yaml"], True, marks=pytest.mark.slow),
    ],
    ids=["processes", "local cluster"],
)
def test_ports_of_a_command_while_it_runs(tmp_path, sweep, more, some):
    cluster_of(tmp_path / "c.yaml", LOCAL)
    command = [sys.executable, "-m", "tfbsim", "run", "sweep.yaml", "--out", "r", *more]
    opened = set()
    with subprocess.Popen(
        [*command, "--points", "20"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            opened |= listening(process.pid)
            time.sleep(0.02)
    assert process.returncode == 0 and (tmp_path / "r" / "summary.csv").exists()
    assert {ip for ip, _ in opened} == ({"127.0.0.1"} if some else set())


@pytest.mark.parametrize(
    ("field", "beyond"),
    [("", False), ("  scheduler_options: {host: 0.0.0.0}\n", True)],
)
def test_so_does_the_scheduler_of_a_queue_unless_told(tmp_path, field, beyond):
    pytest.importorskip("dask_jobqueue")
    text = "format: 1\nkind: cluster\njobs: 1\nslurm:\n  cores: 1\n  memory: 1 GB\n"
    document = load(cluster_of(tmp_path / "c.yaml", text + field))
    before = listening()
    with closing(queue(document, read(document), [])) as found:
        opened = {ip for ip, _ in listening() - before}
        assert "--dashboard-address 127.0.0.1:0" in found.job_script()
    assert "127.0.0.1" in opened
    assert bool(opened - {"127.0.0.1"}) == beyond
    assert bool(remark(document)) == (not beyond)


@openssl
def test_a_run_over_tls(tmp_path, sweep):
    tls = certificates(tmp_path)
    alone = run_experiment(sweep, numerics=COARSE)
    scheduler_file = cluster_of(tmp_path / "c.yaml", LOCAL + tls)
    far = run_experiment(sweep, numerics=COARSE, scheduler=scheduler_file)
    assert far.summary.equals(alone.summary)


@openssl
def test_a_scheduler_that_runs_asks_for_certificates(tmp_path):
    tls = certificates(tmp_path)
    with connected(cluster_of(tmp_path / "c.yaml", LOCAL + tls)) as found:
        address = found.client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        text = f"format: 1\nkind: cluster\naddress: {address}\n"
        with connected(cluster_of(tmp_path / "d.yaml", text + tls)) as other:
            assert other.client.nthreads()
        with (
            dask.config.set(
                {
                    "distributed.comm.tls.ca-file": str(tmp_path / "certificate.pem"),
                    "distributed.comm.tls.client.cert": str(tmp_path / "certificate.pem"),
                    "distributed.comm.tls.client.key": str(tmp_path / "key.pem"),
                }
            ),
            connected(address) as other,
        ):
            assert other.client.nthreads()
        with pytest.raises(InputError, match="needs certificates"), connected(address):
            pass
        plain = address.replace("tls://", "tcp://")
        with pytest.raises(InputError, match="no Dask scheduler"), connected(plain):
            pass
        (tmp_path / "other").mkdir()
        other_tls = certificates(tmp_path / "other")
        strange = cluster_of(tmp_path / "other" / "d.yaml", text + other_tls)
        with pytest.raises(InputError, match="no Dask scheduler"), connected(strange):
            pass


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("address: tcp://h:1\ntls: {ca: a, certificate: b, key: c}\n", "begin with tls"),
        ("address: ucx://h:1\n", "is not tcp://host:port or tls://host:port"),
        ("address: tls://127.0.0.1:9\ntls: {ca: a, certificate: b, key: c}\n", "key"),
        ("address: tls://127.0.0.1:9\nlocal: {workers: 1}\n", "give one of"),
    ],
)
def test_what_is_wrong_with_an_address(tmp_path, text, words):
    path = cluster_of(tmp_path / "c.yaml", "format: 1\nkind: cluster\n" + text)
    with pytest.raises(InputError, match=words), connected(path):
        pass


@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, '{"address": 3}', '{"address": "ucx://h:1"}', "[]", "", "\0"],
    ids=["deep", "number", "protocol", "list", "empty", "zero"],
)
def test_what_is_no_scheduler_file(tmp_path, content):
    path = tmp_path / "s.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"s\.json: is no"), connected(str(path)):
        pass


def test_a_pipe_is_no_scheduler_file(tmp_path):
    os.mkfifo(tmp_path / "s.json")
    path = str(tmp_path / "s.json")
    with pytest.raises(InputError, match="not a regular file"), connected(path):
        pass
