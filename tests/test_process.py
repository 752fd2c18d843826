"""How a command ends if it is interrupted, or lacks output, disk space or a directory."""

import errno
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask.testing
import pytest
import requests

from local.bigquery import proxy
from local.processes import ROOT
from sample_api import Account, generate
from scanner_sync.diagnose import diagnose
from scanner_sync.errors import ApiUnavailable, InternalError, LoadUnavailable, MachineError
from scanner_sync.scratch import scratch
from scanner_sync.warehouse.load_files import LoadFile
from tests.conftest import TOKEN, Dataset
from tests.support.commands import COMMAND, Done, on_terminal, runs
from tests.support.pubsub import push
from tests.support.stranger import HeldStranger, serve

SYNC = ("sync", "--resources", "scans")
NO_SETTINGS: dict[str, Any] = {"API_BASE_URL": ""}
NO_API: dict[str, Any] = {
    "API_BASE_URL": "http://127.0.0.1:9/v1",
    "ACCESS_TOKEN": TOKEN,
    "SYNC_DEADLINE_SECONDS": "1",
}
LOST = "MachineError: The output could not be written: No space left on device."


@pytest.fixture
def account() -> Account:
    return generate(seed=4, issues=2, targets=5, scans=5)


def pipe_without_reader() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def run(
    redirection: str,
    *arguments: str,
    cwd: Path = ROOT,
    limits: Callable[[], None] | None = None,
    **settings: Any,
) -> Done:
    """Run a command under a shell's redirection, in which 9 is a pipe without a reader."""
    gone = pipe_without_reader()

    def prepare() -> None:
        os.dup2(gone, 9)
        if limits:
            limits()

    done = subprocess.run(
        ["sh", "-c", f'{redirection or ":"}; exec "$@" 9>&-', "sh", *COMMAND, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | settings,
        cwd=cwd,
        pass_fds=[9],
        preexec_fn=prepare,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(gone)
    assert not re.search("(?m)^Traceback", done.stderr)
    return Done(done.returncode, done.stdout, done.stderr)


REDIRECTIONS = {
    "reader gone": ("exec >&9", 0, ""),
    "disk full": ("exec >/dev/full", 1, f"{LOST} The command itself succeeded."),
    "closed": ("exec >&-", 0, ""),
    "log's disk full": ("exec 2>/dev/full", 0, ""),
    "log closed": ("exec 2>&-", 0, ""),
    "both readers gone": ("exec >&9 2>&1", 0, ""),
    "all closed": ("exec <&- >&- 2>&-", 0, ""),
}


@pytest.mark.usefixtures("api_url")
def test_exit_codes_of_a_sync_whose_output_is_lost(
    account: Account, dataset: Dataset, tmp_path: Path
) -> None:
    """A reader that went away is not a failure, but a full disk is one. The rows are loaded."""
    for how in ("disk full", "log's disk full", "all closed"):
        redirection, status, said = REDIRECTIONS[how]
        done = run(redirection, *SYNC, "--json")
        not_logged = [line for line in done.err.splitlines() if not line.startswith("{")]
        assert (done.status, not_logged) == (status, [said] if said else []), how
        assert bool(done.out) == how.startswith("log")
    assert [row["id"] for row in dataset.rows("scans")] == sorted(n["id"] for n in account.scans)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("dataset")
def test_exit_codes_of_a_failing_command_whose_output_is_lost(tmp_path: Path) -> None:
    """1 for a permanent failure, 75 for a retryable one, 2 for a usage error."""
    sync = (*SYNC, "--json")
    failing: list[tuple[str, tuple[str, ...], dict[str, Any], int]] = [
        *((how, sync, NO_SETTINGS, 1) for how in REDIRECTIONS),
        ("disk full", SYNC, NO_API, 75),
        ("disk full", ("check",), NO_SETTINGS, 1),
        ("disk full", ("nonsense",), {}, 2),
    ]
    for how, arguments, settings, status in failing:
        done = run(REDIRECTIONS[how][0], *arguments, **settings)
        assert done.status == status, (how, arguments, done)
        is_lost = how == "disk full" and arguments in (("check",), sync)
        assert (LOST in done.err.splitlines()) == is_lost, (how, arguments, done)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("api_url", "dataset")
def test_exit_codes_of_other_commands_whose_output_is_lost(
    http: flask.testing.FlaskClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """0, or 1 and a line if the disk is full."""
    assert http.post("/", json={"resources": ["scans"]}).status_code == 200  # for the report
    page = tmp_path_factory.mktemp("page") / "page.html"
    for how, arguments in (
        ("disk full", ("status",)),
        ("disk full", ("report", "--out", str(page))),
        ("disk full", ("--version",)),
        ("both readers gone", ("--help",)),
        ("all closed", ("status", "--json")),
    ):
        redirection, status, said = REDIRECTIONS[how]
        done = run(redirection, *arguments)
        assert (done.status, done.err) == (status, f"{said}\n" if said else ""), arguments
    assert page.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.usefixtures("api_url", "dataset")
def test_bars_are_removed_if_the_output_has_no_reader(tmp_path: Path) -> None:
    """The bars are on a terminal, and the answer goes to a pipe without a reader."""
    gone = pipe_without_reader()
    done = on_terminal(*SYNC, stdout=gone)
    os.close(gone)
    assert (done.status, "Traceback" in done.out) == (0, False)
    assert "\x1b[?25h" in done.out.partition("sync_finished")[0]  # the cursor is back
    assert list(tmp_path.iterdir()) == []


def screen(out: str) -> str:
    """Return what a terminal shows of an output that moves the cursor up and clears lines."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|[\r\n]|[^\r\n\x1b]+", out):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part[0] not in "\r\x1b":
            lines[row] += part
    return "\n".join(lines)


@pytest.mark.usefixtures("dataset", "held")
def test_bars_overwrite_no_record_of_the_log() -> None:
    """The deadline passes, and is logged, while the bars are shown. They are removed alone."""
    done = on_terminal(*SYNC, SYNC_DEADLINE_SECONDS="1")
    shown = screen(done.out)
    assert (done.status, "━" in done.out, "━" in shown) == (75, True, False)
    assert re.findall("sync_started|sync_failed|^DeadlineExceeded", shown, re.MULTILINE) == [
        "sync_started",
        "sync_failed",
        "DeadlineExceeded",
    ]


def finish_before_a_full_pipe(*, blocking: bool) -> tuple[subprocess.Popen[str], int, int]:
    """Run a sync until it has finished, and its answer waits for room in a pipe.

    Returns the command, the other end of the pipe, and the number of `x` that fill it.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, blocking)
    size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * size)
    command = subprocess.Popen(
        [*COMMAND, *SYNC, "--json"], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert command.stderr
    assert any("sync_finished" in line for line in command.stderr)
    return command, reader, size


@pytest.mark.usefixtures("api_url", "dataset")
def test_nonblocking_output_is_complete() -> None:
    """A pipe may be non-blocking, because another process made it so; the answer is complete."""
    command, reader, size = finish_before_a_full_pipe(blocking=False)
    with os.fdopen(reader) as out:
        assert json.loads(out.read().removeprefix("x" * size))["status"] == "ok"
    assert command.wait(timeout=60) == 0
    assert command.stderr
    command.stderr.close()


@pytest.mark.usefixtures("api_url", "dataset")
def test_an_interrupt_at_the_end_leaves_no_files(tmp_path: Path) -> None:
    """While the answer is written, interrupts change nothing, and the directory is removed."""
    command, reader, _ = finish_before_a_full_pipe(blocking=True)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        command.send_signal(number)
    with os.fdopen(reader) as out:
        out.read()
    assert command.stderr
    said = command.stderr.read()
    # One may have come just before the answer was written.
    is_late = not said.endswith("Interrupted.\n")
    assert command.wait(timeout=60) in ((0,) if is_late else (129, 130, 143))
    assert not re.search("(?m)^Traceback", said)
    command.stderr.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def held() -> Iterator[tuple[threading.Event, threading.Event]]:
    """An API that delays its answers: an event set by the first request, and one to go on."""
    api = HeldStranger()
    with pytest.MonkeyPatch.context() as patch, serve(api) as url:
        patch.setenv("API_BASE_URL", url)
        patch.setenv("ACCESS_TOKEN", TOKEN)
        yield api.arrived, api.go_on
        api.go_on.set()


Held = tuple[threading.Event, threading.Event]


@pytest.mark.usefixtures("dataset")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_interrupt_changes_nothing(
    held: Held, number: signal.Signals, tmp_path: Path
) -> None:
    """It may come while the first is handled or later: no traceback, and nothing is left."""
    arrived, _ = held
    command = subprocess.Popen([*COMMAND, *SYNC], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert command.stderr
    assert arrived.wait(timeout=60)
    command.send_signal(number)
    said = next(line for line in command.stderr if "sync_failed" in line)
    command.send_signal(number)
    rest = command.stderr.read()
    command.stderr.close()
    assert '"error_type": "Interrupted"' in said
    assert command.wait(timeout=60) == 128 + number
    assert rest.endswith("Interrupted.\n")
    assert not re.search("(?m)^Traceback", rest)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("dataset")
def test_a_server_keeps_its_handlers(http: flask.testing.FlaskClient, held: Held) -> None:
    """With one thread, gunicorn answers in its main thread. At SIGTERM it lets the request end."""
    arrived, go_on = held
    received: list[int] = []

    def stop() -> None:
        arrived.wait(timeout=60)
        os.kill(os.getpid(), signal.SIGTERM)
        go_on.set()

    stopping = threading.Thread(target=stop)
    before = signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    try:
        stopping.start()
        answer = http.post("/", json={"resources": ["scans"]})
        stopping.join()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (answer.status_code, received) == (200, [signal.SIGTERM])


def test_a_server_that_stops_at_once_ends_its_worker(
    dataset: Dataset,
    emulator_port: int,
    http: flask.testing.FlaskClient,
    held: Held,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """At SIGQUIT, gunicorn's handler raises SystemExit. No process, file or lease is left."""
    arrived, _ = held

    def stop() -> None:
        arrived.wait(timeout=60)
        os.kill(os.getpid(), signal.SIGQUIT)

    def slowly(method: str, _: str, body: bytes) -> None:
        if method == "PATCH" and b'"until": "0"' in body:  # the lease is released
            time.sleep(1)

    stopping = threading.Thread(target=stop)
    before = signal.signal(signal.SIGQUIT, lambda *_: sys.exit(0))
    try:
        with proxy(emulator_port, slowly) as url:
            monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
            stopping.start()
            with pytest.raises(SystemExit):
                http.post("/", json={"resources": ["scans"]})
            assert runs(dataset.name) == []
        stopping.join()
    finally:
        signal.signal(signal.SIGQUIT, before)
    assert list(tmp_path.iterdir()) == []
    last = dataset.warehouse.read_status()["last_run"]
    assert (last["outcome"], last["error_type"]) == ("failed", "Interrupted")


def test_an_interrupt_waits_until_the_files_are_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It may come when the worker has ended, and the parent removes the directory."""
    remove = shutil.rmtree

    def remove_interrupted(*arguments: Any, **options: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        remove(*arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", remove_interrupted)
    with pytest.raises(KeyboardInterrupt), scratch() as (directory, _):
        assert list(tmp_path.iterdir()) == [Path(directory)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("dataset")
def test_a_sync_under_nohup_outlives_its_terminal(held: Held) -> None:
    """A signal that the caller ignores is ignored."""
    arrived, go_on = held
    command = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *COMMAND, *SYNC],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert arrived.wait(timeout=60)
    command.send_signal(signal.SIGHUP)
    go_on.set()
    assert command.wait(timeout=60) == 0


@pytest.mark.usefixtures("dataset")
def test_files_of_a_killed_sync_are_removed_later(held: Held, tmp_path: Path) -> None:
    """The next sync removes them, even if it fails, but not while their processes live."""
    arrived, _ = held
    command = subprocess.Popen(
        [*COMMAND, *SYNC], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True
    )
    assert arrived.wait(timeout=60)
    [directory] = tmp_path.iterdir()
    before = sorted(directory.rglob("*"))
    assert run("", *SYNC, **NO_SETTINGS).status == 1
    assert (list(tmp_path.iterdir()), sorted(directory.rglob("*"))) == ([directory], before)

    os.killpg(command.pid, signal.SIGKILL)
    command.communicate(timeout=60)  # until both have ended
    assert list(tmp_path.iterdir()) == [directory]
    assert run("", *SYNC, **NO_SETTINGS).status == 1
    assert list(tmp_path.iterdir()) == []


def test_a_worker_ends_with_its_parent(held: Held, dataset: Dataset, tmp_path: Path) -> None:
    """If only the parent is killed, its worker releases the lease and ends."""
    arrived, go_on = held
    parent = subprocess.Popen([*COMMAND, *SYNC], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert arrived.wait(timeout=60)
    parent.kill()
    assert parent.stderr
    *_, said = parent.stderr  # which the worker writes to until it ends
    parent.stderr.close()
    assert parent.wait(timeout=60) == -signal.SIGKILL
    assert json.loads(said)["error_type"] == "Interrupted"
    last = dataset.warehouse.read_status()["last_run"]
    assert (last["outcome"], last["error_type"]) == ("failed", "Interrupted")
    assert len(list(tmp_path.iterdir())) == 1
    go_on.set()
    assert run("", *SYNC).status == 0
    assert list(tmp_path.iterdir()) == []


def leave_behind(directory: Path) -> Path:
    """Make what a killed sync leaves: a directory with a lock that no process holds."""
    directory.mkdir(mode=0o700)
    (directory / "lock").touch(mode=0o600)
    (directory / "rows.jsonl").write_text("{}\n")
    return directory


def test_only_files_of_killed_syncs_are_removed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Similar names are left alone: links, directories of other users or without a lock."""
    elsewhere = leave_behind(tmp_path_factory.mktemp("elsewhere") / "scanner_sync-elsewher")
    left = leave_behind(tmp_path / "scanner_sync-leftleft")
    (tmp_path / "scanner_sync-linklink").symlink_to(elsewhere)
    (tmp_path / "scanner_sync-filefile").write_text("a file")
    leave_behind(tmp_path / "scanner_sync-short")
    leave_behind(tmp_path / "other_sync-12345678")
    leave_behind(tmp_path / "scanner_sync-openopen").chmod(0o777)
    (leave_behind(tmp_path / "scanner_sync-unlocked") / "lock").unlink()
    (leave_behind(tmp_path / "scanner_sync-linklock") / "lock").unlink()
    (tmp_path / "scanner_sync-linklock/lock").symlink_to(elsewhere / "lock")
    (leave_behind(tmp_path / "scanner_sync-fifofifo") / "lock").unlink()
    os.mkfifo(tmp_path / "scanner_sync-fifofifo/lock")
    if os.geteuid() == 0:
        os.chown(leave_behind(tmp_path / "scanner_sync-nobodys_"), 65534, 65534)
    before = set(tmp_path.rglob("*")) | set(elsewhere.rglob("*"))
    assert run("", *SYNC, **NO_SETTINGS).status == 1
    after = set(tmp_path.rglob("*")) | set(elsewhere.rglob("*"))
    assert before - after == {left, left / "lock", left / "rows.jsonl"}
    assert after < before


def test_the_function_removes_files_of_killed_syncs(
    http: flask.testing.FlaskClient, tmp_path: Path
) -> None:
    """An instance outlives its workers."""
    leave_behind(tmp_path / "scanner_sync-leftleft")
    assert http.post("/", json={}).get_json()["error"]["type"] == "SettingsError"
    assert list(tmp_path.iterdir()) == []


def at_most(what: int, most: int) -> Callable[[], None]:
    """Return a function that sets a limit of a process before it starts."""
    return lambda: resource.setrlimit(what, (most, most))


def failure(done: Done) -> str:
    """Return the message of the only failure, which is printed, answered and logged alike."""
    answer = json.loads(done.out)
    logged = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    [failed] = [entry for entry in logged if entry["message"] == "sync_failed"]
    error = answer["error"]
    assert (failed["error_type"], failed["error_message"]) == (error["type"], error["message"])
    assert (error["type"], done.status) == ("MachineError", 1), error
    assert "report" not in error["message"]
    return str(error["message"])


@pytest.mark.usefixtures("api_url")
def test_a_file_size_limit_is_a_machine_error(
    account: Account, dataset: Dataset, tmp_path: Path
) -> None:
    """The error names the directory and the remedy; nothing is left, and the next sync works."""
    account.scans[:] = [{"id": n, "status": "s" * 200} for n in range(200)]
    for size in (0, 6000, 20_000):  # of a file of dlt's, of the schema, and of the rows
        message = failure(run("", *SYNC, "--json", limits=at_most(resource.RLIMIT_FSIZE, size)))
        assert re.match(f"{tmp_path}/scanner_sync-\\w+ cannot be written: ", message), size
        assert "TMPDIR" in message
        assert "`memory`" in message
        assert list(tmp_path.iterdir()) == []
        assert "scans" not in dataset.tables()
    assert run("", *SYNC).status == 0
    assert len(dataset.rows("scans")) == 200


@pytest.fixture
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 16 KiB."""
    disk = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here; a file that cannot grow is tried elsewhere")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.usefixtures("api_url", "dataset")
def test_a_full_disk_is_a_machine_error(small_disk: Path) -> None:
    """In the temporary directory, for a command and for the function."""
    message = failure(run("", *SYNC, "--json", TMPDIR=str(small_disk)))
    assert message.startswith(f"{small_disk}/scanner_sync-")
    assert "No space left on device. Free some space" in message
    assert list(small_disk.iterdir()) == []


def test_rows_that_are_compressed_need_space_too(tmp_path: Path) -> None:
    """The last buffer is written when the file is closed."""
    full = tmp_path / "scans.jsonl.gz"
    full.symlink_to("/dev/full")
    file = LoadFile("scans", full, "1", {})
    file.write([{"id": 1, "created_at": None, "status": "done"}])
    with pytest.raises(OSError, match="No space left") as raised:
        file.close()
    assert type(diagnose(raised.value)) is MachineError


@pytest.mark.usefixtures("api_url", "dataset")
@pytest.mark.parametrize("kind", ["missing", "a file", "read-only"])
def test_an_unusable_temporary_directory_is_named(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No other directory is used instead."""
    directory = tmp_path_factory.mktemp("tmp") / "tmp"
    if kind == "a file":
        directory.touch()
    elif kind == "read-only":
        if os.geteuid() == 0:
            pytest.skip("root may write to any directory")
        directory.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    message = failure(run("", *SYNC, "--json", TMPDIR=str(directory)))
    assert message.startswith(f"{directory} cannot be used: ")
    assert "set TMPDIR to a directory that exists and can be written" in message


@pytest.mark.usefixtures("dataset")
def test_a_removed_temporary_directory_is_named(held: Held, tmp_path: Path) -> None:
    """A cleanup service may remove it."""
    arrived, go_on = held
    command = subprocess.Popen(
        [*COMMAND, *SYNC, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert arrived.wait(timeout=60)
    [directory] = tmp_path.iterdir()
    subprocess.run(["rm", "-rf", directory], check=True)
    go_on.set()
    out, err = command.communicate(timeout=60)
    assert failure(Done(command.returncode, out, err)).startswith(f"{directory} cannot be used: ")


@pytest.mark.usefixtures("api_url", "dataset")
def test_a_removed_working_directory_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """No command needs it."""
    for arguments in ((*SYNC, "--json"), ("check",), ("status",), ("--help",)):
        done = run('rmdir "$PWD"', *arguments, cwd=tmp_path_factory.mktemp("gone"))
        assert done.status == 0, done
        assert "MachineError" not in done.err


@pytest.mark.usefixtures("api_url", "dataset")
@pytest.mark.parametrize("most", [12, 24])
def test_too_few_open_files_are_a_machine_error(account: Account, most: int) -> None:
    """For dlt's files and for requests to the API, which are then not retried."""
    account.issues[:] = [{"id": n} for n in range(400)]
    limits = at_most(resource.RLIMIT_NOFILE, most)
    message = failure(run("", "sync", "--json", limits=limits))
    assert message.startswith("Too many open files. Raise the limit (ulimit -n), or lower MAX_")


@pytest.mark.usefixtures("started_workers")
def test_the_function_reports_machine_errors(
    http: flask.testing.FlaskClient,
    event: flask.testing.FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """In the worker, and if the worker cannot start. The errors are not retryable."""
    for name, value in (("TMPDIR", "/nonexistent"), ("executable", "/nonexistent/python")):
        with monkeypatch.context() as patch:
            if name == "TMPDIR":
                patch.setenv(name, value)
            else:
                patch.setattr(sys, name, value)
            answer = http.post("/", json={})
            error = answer.get_json()["error"]
            assert (answer.status_code, error["type"]) == (500, "MachineError")
            assert error["message"].startswith(f"{value} cannot be used: No such file")
            assert event.post("/", **push("e30=")).status_code == 200
        logged = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        assert [entry["message"] for entry in logged] == [
            "sync_failed",
            "sync_failed",
            "message_dropped",
        ]
        assert {entry["error_message"] for entry in logged} == {error["message"]}


def caused_by(error: Exception, outer: Exception) -> Exception:
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.EDQUOT, "row"), MachineError),
        (OSError(errno.EFBIG, "row"), MachineError),
        (OSError(errno.EROFS, "row"), MachineError),
        (OSError(errno.ENOMEM, "row"), MachineError),
        (BlockingIOError(errno.EAGAIN, "row"), MachineError),  # from fork
        (MemoryError("row"), MachineError),
        (caused_by(OSError(errno.EMFILE, "e"), requests.ConnectionError("row")), MachineError),
        (caused_by(OSError(errno.ENOSPC, "e"), ApiUnavailable("said")), ApiUnavailable),
        (caused_by(ConnectionRefusedError(errno.ECONNREFUSED, "e"), KeyError()), InternalError),
        (caused_by(TimeoutError("e"), requests.ConnectionError("row")), LoadUnavailable),
    ],
)
def test_machine_errors_are_classified(error: Exception, kind: type[Exception]) -> None:
    """Machine errors differ from transient ones and from bugs, anywhere in the chain of causes."""
    assert type(diagnose(error)) is kind
