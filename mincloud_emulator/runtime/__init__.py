"""Runs functions as the service does: JavaScript, in Node processes that stay warm.

`Runtime` is what the emulator calls. A call goes through

    pool.py       which container serves it, and how long containers live
    container.py  one container: its limits, its log, its outcome
    process.py    its Node process and pipes, in which frames.py is spoken
    container.cjs the other end of those pipes, where the function runs, with
                  files.cjs (/tmp and the standard streams), confinement.cjs (processes and the network),
                  baas.cjs (the global object BaaS) and stacks.cjs (what is told of an error)

and watchdog.py ends containers whose emulator was killed. `check_syntax` tells what in a
function can't be read, here or by the service.

What a call comes to, where the service's documentation leaves it open:

- The first callback, or the promise's value if it is there first, is the result. The call returns
  once the event loop is empty; if that takes longer than the time limit, it has exceeded it.
- An exception that nobody catches ends the call at once. Before the callback it is the failure;
  after it the result stands, and the log has the error. The same holds for `process.exit`,
  `process.abort` and a crash. The container is not used again.
- A rejection that nobody handles ends nothing, as in Node 12, and is logged. If then nothing calls
  back, it is the failure; the container is not used again.
- A function that has nothing left to do and never called back is waited for until the time limit.
- A result that JSON can't write (a cycle, a BigInt) or that is larger than 6 MiB is a failure. What
  JSON leaves out (a function, a symbol, undefined) is null.
- Memory: JavaScript objects may take what the plan allows, and the process that plus 64 MB for Node
  itself. It is looked at every 50 ms and when a call ends; between two calls, each second.
- The log is cut at 1 MiB; its last line says so. What was in `/tmp`, where 64 MB are allowed, stays
  as long as the container.
- The time zone is the one in the event, Asia/Shanghai.

Functions are code that runs with the rights of whoever started the emulator. With Node 20 or newer
its permission model keeps them from files other than their own in `/tmp`, from other programs,
threads and native modules; with an older Node the container refuses the same, as far as JavaScript
can. It does not bound their use of the processor, and is no defence against code that sets out to
break it. A function that opens a socket is told by its log that the service would refuse, or is refused. In
every case a function sees none of the emulator's environment variables.
"""

from .container import ContainerLimits, FunctionVersion
from .node import NodeInfo, NodeMissing, find_node
from .pool import Runtime
from .syntax import SyntaxFault, check_node12_syntax, check_syntax, syntax_faults

__all__ = [
    "ContainerLimits",
    "FunctionVersion",
    "NodeInfo",
    "NodeMissing",
    "Runtime",
    "SyntaxFault",
    "check_node12_syntax",
    "check_syntax",
    "find_node",
    "syntax_faults",
]
