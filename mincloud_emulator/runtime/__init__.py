"""Runs functions as the service does: JavaScript, in Node processes that stay warm.

The emulator calls `Runtime`. A call passes through

    pool.py        chooses the container, and starts, keeps and ends containers
    container.py   a container: its limits, its log, its result
    process.py     its Node process and pipes, on which the frames of frames.py are sent
    container.cjs  the other end of the pipes, where the function runs, with files.cjs (/tmp and the standard streams),
                   confinement.cjs (processes and the network), baas.cjs (the global object BaaS) and stacks.cjs (errors)

and watchdog.py kills the containers of an emulator that was killed. `check_syntax` finds what in a function this Node or the
service can't read.

How a call ends, where the service's documentation does not say:

- The result is the first callback, or the value of the promise if that comes first. The call ends when the event loop is empty; if
  that takes longer than the time limit, it fails with that.
- An uncaught exception ends the call at once. Before the callback it is the failure; afterwards the result stays, and the error is
  logged. The same holds for `process.exit`, `process.abort` and a crash. The container is not used again.
- An unhandled rejection ends nothing, as in Node 12, and is logged. If nothing calls back then, it is the failure; the container
  is not used again.
- A function that has nothing left to do and has not called back runs into the time limit.
- A result that JSON can't write (a cycle, a BigInt) or that is larger than 6 MiB is a failure. What JSON leaves out (a function, a
  symbol, undefined) is null.
- JavaScript objects may take the memory of the plan, and the process 64 MB more for Node itself. This is checked every 50 ms, when
  a call ends, and between two calls each second.
- The log is cut at 1 MiB, as its last line says. The files in `/tmp`, up to 64 MB, stay as long as the container.
- The time zone is the one in the event, Asia/Shanghai.

Functions are code that runs with the rights of the user who started the emulator. The permission model of Node 20 and newer keeps
them from files other than their own in `/tmp`, from other programs, threads and native modules; with an older Node the container
refuses the same, as far as JavaScript can. This does not limit their use of the processor, and is no defence against code that
tries to break it. A function that opens a socket finds a warning in its log, or is refused. No function sees the emulator's
environment variables.
"""

from .container import ContainerLimits, FunctionVersion
from .node import NodeInfo, NodeMissing, find_node
from .pool import Runtime
from .syntax import SyntaxFault, check_syntax, syntax_faults

__all__ = [
    "ContainerLimits",
    "FunctionVersion",
    "NodeInfo",
    "NodeMissing",
    "Runtime",
    "SyntaxFault",
    "check_syntax",
    "find_node",
    "syntax_faults",
]
