"""The commands, options and help texts of the command line. Nothing is imported here that only a command needs."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from .._version import VERSION
from .exit_statuses import PROGRAM, CommandError, summary_of_meanings
from .units import parse_rate, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SOURCES = ("sdk", "open_api", "cloud_function", "flex_schema", "wechat_pay_success", "timer", "file_operation")
STATUSES = (
    "waiting",
    "executing",
    "fulfilled",
    "schedule_failed",
    "execution_rejected",
    "deadline_exceeded",
    "execution_failed",
)
SERVICE_TYPES = ("time_sensitive", "batch")
PLANS = ("P_FREE", "P_PERSONAL")
SHELLS = ("bash", "zsh", "fish")

_WRONG_CHOICE = re.compile(r"invalid choice: '(?P<word>.*?)' \(choose from (?P<choices>.*)\)")
_CHOICE = re.compile(r"[\w-]+")
_WRONG_OPTION = re.compile(r"unrecognized arguments: (?P<word>--[\w-]+)")


class CommandParser(argparse.ArgumentParser):
    """A parser that takes options anywhere among the arguments, and reports an error in one line."""

    def __init__(self, **options: Any) -> None:
        self._passes = 0
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def add_flag(self, *names: str, help: str) -> None:  # noqa: A002 - argparse's name
        """Adds an option without a value."""
        self.add_argument(*names, action="store_true", help=help)

    def add_name(self) -> None:
        """Adds the argument NAME, a function."""
        self.add_argument("name", metavar="NAME", help="the function's name")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] - overloads of one body
        """Parses; see the class."""
        # `invoke greet --json '{}'`: argparse alone would give up on the optional DATA before it comes.
        if self.get_default("run") is None:
            return super().parse_known_args(args, namespace)
        self._passes += 1
        if self._passes == 1:
            try:
                return self.parse_known_intermixed_args(args, namespace)
            finally:
                self._passes = 0
        if self._passes == 2 and "--" in args:  # noqa: PLR2004 - the pass for options, in which Python 3.11 drops it
            place = args.index("--")
            namespace, others = super().parse_known_args(args[:place], namespace)
            return namespace, [*others, *args[place:]]
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raises argparse's message as an error of the command line.

        Raises:
            CommandError: Always.
        """
        raise CommandError(f"{self._with_suggestion(message)}: `{self.prog} --help` shows how", program=self.prog)

    def _with_suggestion(self, message: str) -> str:
        """Adds the closest command, choice or option to a message about an unknown one."""
        if found := _WRONG_CHOICE.search(message):
            choices = _CHOICE.findall(found["choices"])
            what = (
                "there is no command" if "argument COMMAND" in message else message[: found.start()] + "invalid choice:"
            )
            advice = _suggestion(found["word"], choices) or f" (choose from {', '.join(choices)})"
            return f"{what} '{found['word']}'{advice}"
        if found := _WRONG_OPTION.search(message):
            options = [name for action in self._actions for name in action.option_strings]
            return f"{message}{_suggestion(found['word'], options)}"
        return message


def _suggestion(word: str, choices: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - seldom needed

    close = get_close_matches(word, list(choices), n=1)
    return f": did you mean {close[0]}?" if close else ""


def _argument_type(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """Lets argparse show the message of the `ValueError` that a conversion raises."""

    def converted(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return converted


@_argument_type
def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"{text!r} is no number of seconds above 0")
    return seconds


@_argument_type
def _at_least_one(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ValueError(f"{text!r} is no whole number of 1 or more")
    return int(text)


_rate, _time = _argument_type(parse_rate), _argument_type(parse_time)


def _add_global_options(parser: argparse.ArgumentParser, *, default: Any, calls_service: bool = True) -> None:
    """Adds the options that may stand before or after any command; `default` is the value of one that is not given."""
    group = parser.add_argument_group("global options")
    group.add_argument(
        "--json",
        action="store_true",
        default=default,
        help="write JSON, and nothing else, to standard output; to standard error an error as one JSON document",
    )
    if calls_service:
        group.add_argument(
            "-e",
            "--environment",
            metavar="ENVIRONMENT",
            default=default,
            help="a test environment: its id, or the name that a login file gives it (production)",
        )
        group.add_argument(
            "--production",
            action="store_true",
            default=default,
            help="production, whatever MINCLOUD_ENVIRONMENT says",
        )
        group.add_argument(
            "--base-url", metavar="URL", default=default, help="where the API is (https://cloud.minapp.com)"
        )
        group.add_argument(
            "--timeout",
            type=_seconds,
            metavar="SECONDS",
            default=default,
            help="how long each attempt of a request may take (30)",
        )
    group.add_argument("--no-color", action="store_true", default=default, help="no colour, as with NO_COLOR=1")
    group.add_argument(
        "--debug", action="store_true", default=default, help="log requests, and show where an error comes from"
    )


def _epilog(examples: Sequence[str]) -> str:
    heading = "examples:" if len(examples) > 1 else "example:"
    lines = "\n".join(f"  {example}" for example in examples)
    return f"{heading}\n{lines}\n\nexit status:\n{summary_of_meanings()}"


class _Commands:
    """Adds commands to the program."""

    def __init__(self, program: CommandParser) -> None:
        self._subparsers = program.add_subparsers(
            dest="command", metavar="COMMAND", required=True, title="commands", parser_class=CommandParser
        )
        self.parsers: dict[str, CommandParser] = {}

    def add(
        self, name: str, run: str, summary: str, examples: Sequence[str], more: str = "", *, calls_service: bool = True
    ) -> CommandParser:
        """Adds a command.

        Args:
            name: Its name.
            run: The function that runs it, as `module:function`.
            summary: What it does, in a few words.
            examples: Command lines that work as they are printed.
            more: Further sentences for its help.
            calls_service: Whether it calls the service.
        """
        sentence = f"{summary[0].upper()}{summary[1:]}."
        parser = self._subparsers.add_parser(
            name,
            help=summary,
            description=f"{sentence}\n\n{more}" if more else sentence,
            epilog=_epilog(examples),
        )
        parser.set_defaults(run=run)
        _add_global_options(parser, default=argparse.SUPPRESS, calls_service=calls_service)
        self.parsers[name] = parser
        return parser


def program_parser() -> tuple[CommandParser, dict[str, CommandParser]]:
    """The parser of the program, and the parsers of its commands by name."""
    program = CommandParser(
        prog=PROGRAM,
        description="MinCloud's cloud functions (知晓云 云函数): deploy, call, watch, and run them on this machine.",
        epilog=_epilog(
            [
                "mincloud-py new hello",
                "mincloud-py deploy hello",
                """mincloud-py invoke hello '{"username": "爱范儿"}'""",
            ]
        ),
    )
    program.add_argument("--version", action="version", version=f"{PROGRAM} {VERSION}")
    _add_global_options(program, default=None)
    commands = _Commands(program)
    _add_login_commands(commands)
    _add_function_commands(commands)
    _add_call_commands(commands)
    _add_job_commands(commands)
    _add_batch_command(commands)
    _add_local_commands(commands)
    return program, commands.parsers


def _add_login_commands(commands: _Commands) -> None:
    login = commands.add(
        "login",
        "login:login",
        "log in with the application's client_id and client_secret",
        ["mincloud-py login", "mincloud-py login --client-id 2d6c2a8e3f0d4b5a"],
        "Asks for both, unless MINCLOUD_CLIENT_ID and MINCLOUD_CLIENT_SECRET are set, and keeps the access token in\n"
        "~/.mincloudrc, which the Node tool `mincloud` shares. A login is used for its server alone, so that logins to\n"
        "the service and to emulators (--base-url) stand side by side.",
    )
    login.add_argument("--client-id", metavar="ID", help="the application's client_id")
    login.add_argument(
        "--insecure-client-secret",
        metavar="SECRET",
        help="the client_secret, where every user of this machine and the shell's history can see it",
    )
    commands.add(
        "logout",
        "login:logout",
        "forget the access token",
        ["mincloud-py logout"],
        "Other applications' tokens stay in ~/.mincloudrc. The service has no way to invalidate one token alone.",
    )
    commands.add(
        "whoami",
        "login:whoami",
        "say where commands go and what decides it, and try the credentials",
        ["mincloud-py whoami", "mincloud-py whoami --production"],
        "Environments have names where ~/.mincloudrc or ./.mincloudrc has a line `environments = staging:ID,qa:ID`.",
    )


def _add_function_commands(commands: _Commands) -> None:
    commands.add(
        "list", "functions:list_functions", "list the functions", ["mincloud-py list", "mincloud-py list --json"]
    )
    new = commands.add(
        "new",
        "functions:new",
        "make a folder NAME with a function to start from",
        ["mincloud-py new hello"],
        calls_service=False,
    )
    new.add_name()
    deploy = commands.add(
        "deploy",
        "deploy:deploy",
        "create or update functions from files",
        [
            "mincloud-py deploy greet greet/index.js",
            "mincloud-py deploy functions/ --diff --dry-run",
            "mincloud-py deploy greet=greet/index.js functions/farewell.js",
            """mincloud-py deploy greet --smoke '{"username": "Lin"}'""",
        ],
        "Each TARGET is a path or NAME=PATH: a file NAME.js, a folder NAME with an index.js, or a folder of such files\n"
        "and folders. Two arguments, the first of which is a name alone, are NAME PATH. Nothing is sent before each\n"
        "file has been read and, where Node is installed, its syntax checked. A function that is the same already is\n"
        "left alone.",
    )
    deploy.add_argument("targets", metavar="TARGET", nargs="+", help="NAME PATH, or paths of files and folders")
    deploy.add_flag("--diff", help="show how the code differs from what is deployed")
    deploy.add_flag("--dry-run", help="change nothing, say what would be done")
    deploy.add_argument("-m", "--remark", metavar="TEXT", help="a remark to keep with each function")
    deploy.add_argument("--plan", choices=PLANS, help="the memory of each function: 128 MB, or 256 MB (unchanged)")
    deploy.add_flag(
        "--bundle",
        help="bundle each function into one file, from TypeScript and ES modules too, with your project's esbuild",
    )
    deploy.add_flag("--no-check", help="also send code with syntax errors, or that requires other files")
    deploy.add_argument(
        "--smoke",
        metavar="DATA",
        help="call each function with this JSON object once it is deployed; if that fails, put the previous code back",
    )
    get = commands.add(
        "get",
        "functions:get",
        "show a function: its state, plan, remark and code",
        ["mincloud-py get greet", "mincloud-py get greet --json"],
    )
    get.add_name()
    update = commands.add(
        "update",
        "functions:update",
        "change a function's plan, name or remark",
        ["mincloud-py update greet --plan P_PERSONAL", "mincloud-py update greet --remark 'says hello'"],
        "`deploy` changes its code.",
    )
    update.add_name()
    update.add_argument("--plan", choices=PLANS, help="its memory: 128 MB, or 256 MB")
    update.add_argument("--rename", metavar="NAME", help="a new name")
    update.add_argument("-m", "--remark", metavar="TEXT", help="a remark; '' for none")
    pull = commands.add(
        "pull",
        "functions:pull",
        "fetch a function's code into a file",
        ["mincloud-py pull greet --force", "mincloud-py pull greet -o copy.js", "mincloud-py pull greet -o -"],
        "A file that differs is only overwritten with --force.",
    )
    pull.add_name()
    pull.add_argument("-o", "--output", metavar="FILE", help="where to put it; - for standard output (NAME/index.js)")
    pull.add_flag("--force", help="overwrite a file that differs")
    delete = commands.add(
        "delete", "functions:delete", "delete functions, after asking", ["mincloud-py delete greet --yes"]
    )
    delete.add_argument("names", metavar="NAME", nargs="+", help="a function's name")
    delete.add_flag("-y", "--yes", help="do not ask")


def _add_call_commands(commands: _Commands) -> None:
    invoke = commands.add(
        "invoke",
        "calls:invoke",
        "call a function and print what it returned",
        [
            """mincloud-py invoke greet '{"username": "爱范儿"}'""",
            "mincloud-py invoke greet @input.json",
            """echo '{"username": "Lin"}' | mincloud-py invoke greet - --json""",
        ],
        "It may run for 5 seconds. A string is printed as it is, or as JSON with --json.",
    )
    trigger = commands.add(
        "trigger",
        "calls:trigger",
        "call a function without waiting, or wait for its job",
        [
            """mincloud-py trigger greet '{"username": "爱范儿"}'""",
            """mincloud-py trigger greet '{"username": "Lin"}' --wait""",
            """printf '{"username": "Lin"}\\n{"username": "Wei"}\\n' | mincloud-py trigger greet - --wait""",
        ],
        "It may run for 300 seconds. Standard input may have a JSON object on each line, to make a call for each. With\n"
        "--wait, what each call returned is printed when it ends. With --json and without --wait, each call is printed\n"
        "as a document with a `handle`, which `mincloud-py wait` takes, also elsewhere and later.",
    )
    wait = commands.add(
        "wait",
        "calls:wait",
        "wait for calls that `trigger --json` made",
        ["mincloud-py wait @call.json"],
        "It prints what each returned. The environment is that of the handle, the server that of this command.",
    )
    wait.add_argument("handle", metavar="HANDLE", help="what `trigger --json` printed, @FILE, or - for standard input")
    debug = commands.add(
        "debug",
        "calls:debug",
        "call a function for a try, and print its log, result, time and memory",
        [
            """mincloud-py debug greet '{"username": "爱范儿"}'""",
            """mincloud-py debug greet '{"username": "Lin"}' --subject timer""",
        ],
        "The exit status is 1 if the function failed.",
    )
    data_help = "what the function receives as event.data: a JSON object, @FILE, or - for standard input ({})"
    for parser in (invoke, trigger, debug):
        parser.add_name()
        parser.add_argument("data", metavar="DATA", nargs="?", help=data_help)
    invoke.add_flag("--log", help="print the log of the call as well, to standard error")
    trigger.add_flag("--wait", help="wait until its job has ended")
    for parser in (trigger, wait):
        parser.add_argument(
            "--wait-for",
            type=_seconds,
            default=300.0,
            metavar="SECONDS",
            help="how long to wait (300)",
        )
    debug.add_argument("--subject", choices=SOURCES, help="the kind of event that calls it (sdk)")
    debug.add_argument("--schema-id", type=_at_least_one, metavar="ID", help="the table, with --subject flex_schema")


def _add_job_commands(commands: _Commands) -> None:
    times = "2h (ago), 2026-09-21, 2026-09-21T08:30, or Unix seconds"
    jobs = commands.add(
        "jobs",
        "jobs:jobs",
        "list the jobs of a function, the newest first",
        [
            "mincloud-py jobs greet",
            "mincloud-py jobs greet --failed --since 2h",
            "mincloud-py jobs greet --all --json",
        ],
        "With --follow, the newest is last, and a job is listed again whenever its status has changed.",
    )
    jobs.add_name()
    jobs.add_argument("--source", choices=SOURCES, help="only jobs from this source")
    jobs.add_argument("--status", choices=STATUSES, help="only jobs in this status")
    jobs.add_argument("--service-type", choices=SERVICE_TYPES, help="only calls that were waited for, or were not")
    jobs.add_argument("--since", type=_time, metavar="TIME", help=f"only jobs created since: {times}")
    jobs.add_argument("--until", type=_time, metavar="TIME", help="only jobs created until this time")
    jobs.add_argument("--limit", type=_at_least_one, default=20, metavar="N", help="how many at the most (20)")
    jobs.add_flag("--all", help="all jobs")
    jobs.add_flag("--follow", help="go on with new jobs, until interrupted")
    logs = commands.add(
        "logs",
        "jobs:logs",
        "print the log of a job",
        [
            "mincloud-py logs greet",
            "mincloud-py logs greet --job 1",
            "mincloud-py logs greet --since 2h -n 100",
        ],
        "Of the newest job, if --job names none. With -n, --since or --failed, prints the logs of all jobs that match,\n"
        "the newest last. With --follow, prints the log of each job when it ends, or of --job when that ends.",
    )
    logs.add_name()
    logs.add_argument("--job", type=_at_least_one, metavar="ID", help="the id of a job, from `jobs`")
    logs.add_flag("--follow", help="wait for jobs to end")
    logs.add_argument("--since", type=_time, metavar="TIME", help=f"only jobs created since: {times}")
    logs.add_argument(
        "-n",
        "--limit",
        type=_at_least_one,
        metavar="N",
        help="how many jobs at the most (1, or 20 with --since or --failed)",
    )
    for parser in (jobs, logs):
        parser.add_flag("--failed", help="only jobs that ended and are not fulfilled")
        parser.add_argument(
            "--interval", type=_seconds, default=2.0, metavar="SECONDS", help="how often --follow looks (2)"
        )


def _add_batch_command(commands: _Commands) -> None:
    batch = commands.add(
        "batch",
        "batch:batch",
        "call a function for each line of a file",
        [
            "mincloud-py batch greet inputs.jsonl -o results.jsonl --concurrency 8",
            "mincloud-py batch greet inputs.jsonl -o results.jsonl --resume --rate 50/s",
        ],
        """\
Each line of INPUTS is a JSON object; blank lines are skipped. Each result is a line as well, written when the call
ends: {"line": 1, "data": ...} or {"line": 2, "error": {"kind": ..., "message": ..., "called": ...}}. "called" is
"yes" where an answer came, "no" where the function surely did not run, "uncertain" where it may have run. A
journal beside the results (RESULTS.journal) notes each line before it is called, and is removed when no line is
left to be called.

--resume goes on after any interruption: a line that was answered is never called again, a line that surely did not
run is called, and a line that may have run is looked for among the function's jobs. A line that is not found there
is listed, and called again with --retry-uncertain. The first Ctrl-C waits for the calls under way, the second does
not.""",
    )
    batch.add_name()
    batch.add_argument("inputs", metavar="INPUTS", help="a file of JSON objects, one a line; - for standard input")
    batch.add_argument(
        "-o",
        "--output",
        metavar="RESULTS",
        required=True,
        help="where the results go; - for standard output, which cannot be resumed",
    )
    batch.add_flag("--no-wait", help="let each call run for up to 300 s, and read its result from its log")
    batch.add_argument(
        "--concurrency",
        type=_at_least_one,
        default=8,
        metavar="N",
        help="how many calls are under way at once (8); the service runs 100 at once, or 10 with 256 MB",
    )
    batch.add_argument("--rate", type=_rate, metavar="RATE", help="how many calls to begin: 50/s, 300/m, 1000/h")
    batch.add_flag("--resume", help="go on where an earlier run stopped")
    batch.add_flag("--retry-uncertain", help="with --resume, call again the lines whose call may have run")
    batch.add_flag("--retry-failed", help="with --resume, call again the lines whose answer was an error")
    batch.add_flag("--force", help="begin anew, and overwrite the results")


def _add_local_commands(commands: _Commands) -> None:
    from mincloud_emulator import command as emulator  # noqa: PLC0415 - keeps its own imports for when it runs

    parser = commands.add(
        "emulator",
        "emulator:emulator",
        "run the API on this machine, with real functions",
        ["mincloud-py emulator --port 0 --functions functions/"],
        "Needs the extra: pip install 'mincloud[emulator]'. With --json, standard output is one JSON document\n"
        "with the addresses and credentials, and there is no log.",
        calls_service=False,
    )
    emulator.add_arguments(parser)
    parser.add_flag(
        "--bundle",
        help="with --functions, bundle each function into one file, from TypeScript too, with your project's esbuild",
    )
    contract = commands.add(
        "contract",
        "contract:contract",
        "print the OpenAPI document of the service",
        ["mincloud-py contract", "mincloud-py contract --portable --openapi 3.1 --json", "mincloud-py contract --path"],
        "The variants combine.",
        calls_service=False,
    )
    contract.add_flag("--yaml", help="as YAML, which it is without --json")
    contract.add_flag(
        "--portable", help="the variant for generators that mangle `oneOf`: one schema where there is a choice"
    )
    contract.add_flag(
        "--server", help="the variant for servers, proxies and test programs: takes what working clients send"
    )
    contract.add_argument(
        "--openapi", choices=("3.0", "3.1"), default="3.0", help="the version of OpenAPI (default: 3.0)"
    )
    contract.add_flag("--dereferenced", help="without references, for tools that cannot follow them")
    contract.add_flag("--path", help="print only the path of the file")
    completion = commands.add(
        "completion",
        "completion:completion",
        "print a script that completes these commands in a shell",
        ["mincloud-py completion bash > mincloud-py.bash"],
        "bash: source the file. zsh: put it as _mincloud-py into a folder of $fpath. fish: put it into\n"
        "~/.config/fish/completions/mincloud-py.fish.",
        calls_service=False,
    )
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    help_ = commands.add("help", "", "show the help of a command", ["mincloud-py help deploy"], calls_service=False)
    help_.add_argument("words", metavar="COMMAND", nargs="?", help="the command; without one, the help of the program")
