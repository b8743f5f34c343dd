"""A Node process and its pipes: the channel and the two standard streams."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Protocol

from .frames import FrameError, FrameReader, frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_READ_BYTES = 262_144
_DISCARD_PAUSE = 0.02  # seconds between two reads of discarded output: a flood of it must not keep the loop busy
_EXIT_GRACE = 1.0  # seconds between the end of the channel, which the kernel closes first, and that of the process
_LAST_READS = 16  # reads of what an ended process left in a pipe, which holds less


class ProcessListener(Protocol):
    """Handles what a process does, on the event loop."""

    def on_frame(self, kind: int, payload: bytes) -> None:
        """Handles a frame.

        Raises:
            FrameError: It is not a frame that a container sends.
        """

    def on_output(self, level: str, data: bytes) -> bool:
        """Handles what was written to a standard stream, LOG or ERROR; returns False when no more is wanted."""
        ...

    def on_corruption(self) -> None:
        """Handles that something other than frames came through the channel; the process is being killed."""

    def on_end(self, returncode: int) -> None:
        """Handles that the process has ended and everything from it was delivered."""


class ContainerProcess:
    """A Node process with its pipes, started at once.

    Its arguments are those in `command`, the numbers of the channel's two descriptors, and `arguments`. It may send payloads of
    `frame_limit` bytes at most.

    Raises:
        OSError: It could not be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        arguments: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        frame_limit: int,
        listener: ProcessListener,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._reader = FrameReader(frame_limit)
        self._unsent = bytearray()
        self._readable: dict[int, str] = {}
        self._ending = False
        self._corrupted = False
        self.ended: asyncio.Future[int] = self._loop.create_future()
        with contextlib.ExitStack() as on_failure:
            its_input, self._input = _pipe(on_failure)
            self._output, its_output = _pipe(on_failure)
            stdout, its_stdout = _pipe(on_failure)
            stderr, its_stderr = _pipe(on_failure)
            self._process = subprocess.Popen(  # noqa: S603 - running it is the purpose
                [*command, str(its_input), str(its_output), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=its_stdout,
                stderr=its_stderr,
                pass_fds=(its_input, its_output),
                cwd=directory,
                env=environment,
                process_group=0,  # so that the processes that it starts, which older Nodes can't forbid, are killed with it
            )
            on_failure.pop_all()
        self.pid = self._process.pid
        """Its process id, which is also that of its process group."""
        for descriptor in (its_input, its_output, its_stdout, its_stderr):
            os.close(descriptor)
        os.set_blocking(self._input, False)
        for descriptor, level in ((self._output, ""), (stdout, "LOG"), (stderr, "ERROR")):
            os.set_blocking(descriptor, False)
            self._readable[descriptor] = level
            self._loop.add_reader(descriptor, self._on_readable, descriptor)

    def send(self, kind: int, payload: bytes) -> None:
        """Sends a frame. What the pipe can't take yet is sent when it can."""
        if self._input < 0:
            return
        waiting = bool(self._unsent)
        self._unsent += frame(kind, payload)
        if not waiting:
            self._write()

    def kill(self) -> None:
        """Kills it, with all processes that it has started."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._end()

    def check_ended(self) -> None:
        """Checks whether the process has ended, which the channel does not show while a child process keeps it open."""
        if not self._ending and self._process.poll() is not None:
            self._end()

    def _write(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: os.write(self._input, self._unsent[:_READ_BYTES])]
        except BlockingIOError:
            self._loop.add_writer(self._input, self._write)
            return
        except OSError:
            self._unsent.clear()  # it has ended, and its output will be closed in a moment
        self._loop.remove_writer(self._input)

    def _on_readable(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        level = self._readable[descriptor]
        if data and level:
            if not self._listener.on_output(level, data):
                self._loop.remove_reader(descriptor)
                self._loop.call_later(_DISCARD_PAUSE, self._resume, descriptor)
        elif data:
            self._on_channel(data)
        else:
            self._loop.remove_reader(descriptor)
            if not level:
                self._end()

    def _resume(self, descriptor: int) -> None:
        if descriptor in self._readable and not self.ended.done():
            self._loop.add_reader(descriptor, self._on_readable, descriptor)

    def _on_channel(self, data: bytes) -> None:
        if self._corrupted:
            return
        try:
            for kind, payload in self._reader.feed(data):
                self._listener.on_frame(kind, payload)
        except FrameError:
            self._corrupted = True
            self._listener.on_corruption()
            self.kill()

    def drain_output(self) -> None:
        """Reads what is already in the pipes of the standard streams."""
        for descriptor, level in self._readable.items():
            if level:
                for data in _read_available(descriptor, 4):
                    self._listener.on_output(level, data)

    def _end(self) -> None:
        if not self._ending:
            self._ending = True
            # Not at once, since the caller of `kill` may still have to conclude its call.
            self._loop.call_soon(self._await_exit, self._loop.time() + _EXIT_GRACE, 0.001)

    def _await_exit(self, until: float, pause: float) -> None:
        returncode = self._process.poll()
        if returncode is None:
            if self._loop.time() >= until:
                self.kill()
            self._loop.call_later(pause, self._await_exit, until, min(2 * pause, 0.02))
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # the processes that it has started and left behind
        self._loop.remove_writer(self._input)
        for data in _read_available(self._output, _LAST_READS):
            self._on_channel(data)
        self.drain_output()
        for descriptor in self._readable:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
        os.close(self._input)
        self._input = -1
        self._readable.clear()
        self.ended.set_result(returncode)
        self._listener.on_end(returncode)


def _read_available(descriptor: int, reads: int) -> Iterator[bytes]:
    """Yields what is in a pipe now, in a bounded number of reads, since something may still be writing to it."""
    with contextlib.suppress(OSError):
        for _ in range(reads):
            data = os.read(descriptor, _READ_BYTES)
            if not data:
                return
            yield data


def _pipe(on_failure: contextlib.ExitStack) -> tuple[int, int]:
    read_end, write_end = os.pipe()
    on_failure.callback(os.close, read_end)
    on_failure.callback(os.close, write_end)
    return read_end, write_end
