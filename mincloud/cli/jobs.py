"""The commands `jobs` and `logs`."""

from __future__ import annotations

import math
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

from .calls import job_document
from .clients import connected, destination
from .exit_statuses import DONE, NOT_FOUND, CommandError
from .terminal import Cell, status_cell
from .units import counted, duration, local_time, size, zone

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from .. import Job, MinCloud, Paginator
    from .terminal import Terminal

_HEADER = ("ID", "STATUS", f"CREATED {zone()}", "WAITED", "TOOK", "MEMORY", "SOURCE", "TYPE")
_UNFINISHED = ("waiting", "executing")
_MOST_PER_PAGE = 1000
_PAGES_AHEAD = 4
_USUAL_LOGS = 20
# A job waits 5 minutes for its turn at the most, and runs for as long; after that nothing becomes of it.
_GIVE_UP_AFTER = 900.0
# A job may be recorded a little after one that was created later.
_RECORDED_WITHIN = 2.0


def jobs(args: argparse.Namespace, terminal: Terminal) -> int:
    """Lists the jobs of a function, the newest first; or follows them, the newest last."""
    filters: dict[str, Any] = {"source": args.source, "status": args.status, "service_type": args.service_type}
    with connected(destination(args, terminal), args) as cloud:
        if args.follow:
            _check_follow(args)
            _print_followed(cloud, args, filters, terminal)
        if args.failed and args.status is not None:
            raise CommandError("--failed and --status are two filters of the status: choose one")
        limit = None if args.all else args.limit
        paginator = cloud.jobs.list(
            args.name,
            **filters,
            created_after=args.since,
            created_before=args.until,
            page_size=min(limit or _MOST_PER_PAGE, _MOST_PER_PAGE) if not args.failed else _MOST_PER_PAGE,
            prefetch=0 if limit is not None and limit <= _MOST_PER_PAGE else _PAGES_AHEAD,
        )
        found = islice(filter(_has_failed, paginator) if args.failed else paginator, limit)
        if terminal.json:
            for job in found:
                terminal.document(job_document(job))
        else:
            shown = _Counted(found)
            terminal.table(_HEADER, (_row(job) for job in shown), whole=("STATUS", "CREATED"))
            if shown.count == 0 and terminal.shows_people:
                terminal.note(
                    f"{args.name!r} has no such jobs" if _is_filtered(args) else f"{args.name!r} was never called"
                )
            if limit is not None and shown.count == limit and not args.failed:
                _say_that_there_are_more(paginator, limit, terminal)
    return DONE


def _has_failed(job: Job) -> bool:
    """Whether a job has ended and is not fulfilled; the service's filter knows one status at a time."""
    return job.status not in (*_UNFINISHED, "fulfilled")


def _is_filtered(args: argparse.Namespace) -> bool:
    return any(
        (args.failed, args.source, args.status, args.service_type, args.since is not None, args.until is not None)
    )


class _Counted:
    """Jobs, and how many there were."""

    def __init__(self, found: Iterable[Job]) -> None:
        self._found = found
        self.count = 0

    def __iter__(self) -> Iterator[Job]:
        for job in self._found:
            self.count += 1
            yield job


def _say_that_there_are_more(paginator: Paginator[Job], limit: int, terminal: Terminal) -> None:
    total = paginator.total
    if total > limit:
        terminal.note(f"{limit} of {counted(total, 'job')}: --limit N or --all shows more")


def _row(job: Job) -> Sequence[str]:
    waited = job.started_at - job.created_at if job.started_at is not None and job.created_at is not None else None
    took = job.finished_at - job.started_at if job.finished_at is not None and job.started_at is not None else None
    return (
        str(job.id),
        status_cell(job.status),
        local_time(job.created_at),
        duration(waited),
        duration(took),
        size(job.mem_usage),
        job.source or "",
        job.service_type or "",
    )


def _check_follow(args: argparse.Namespace) -> None:
    if args.until is not None or args.all:
        raise CommandError("--follow shows what comes: it goes with neither --until nor --all")


def _print_followed(cloud: MinCloud, args: argparse.Namespace, filters: dict[str, Any], terminal: Terminal) -> None:
    """Shows each job when it comes, and again whenever its status has changed, until it is interrupted."""
    # A job comes before it is in the status that is wanted, perhaps long before.
    wanted = filters.pop("status")
    for job in _followed(cloud, args, filters):
        if (wanted is not None and job.status != wanted) or (args.failed and not _has_failed(job)):
            continue
        if terminal.json:
            terminal.document(job_document(job))
        else:
            parts = [local_time(job.created_at), str(job.id), status_cell(job.status), _row(job)[4]]
            terminal.text(*[each for part in parts if part for each in ("  ", part)][1:])
        terminal.flush()


def _followed(cloud: MinCloud, args: argparse.Namespace, filters: dict[str, Any]) -> Iterator[Job]:
    """Jobs in the order in which they come, each once in each status that is seen; without an end."""
    found = cloud.jobs.list(args.name, **filters, created_after=args.since, page_size=min(args.limit, _MOST_PER_PAGE))
    batch = list(islice(found, args.limit))
    # Older ones than the limit let through stay away, however near they are.
    first = min((job.created_at for job in batch if job.created_at is not None), default=-math.inf)
    seen: dict[int, Job] = {}
    since: float | None = args.since
    while True:
        for job in reversed(batch):
            before = seen.get(job.id)
            is_new = before is None and (job.created_at is None or job.created_at >= first)
            if is_new or (before is not None and before.status != job.status):
                yield job
            if is_new or before is not None:
                seen[job.id] = job
        since = _looked_at_again(seen.values(), since)
        if since is not None:
            seen = {job.id: job for job in seen.values() if job.created_at is None or job.created_at >= since}
        time.sleep(args.interval)
        batch = list(cloud.jobs.list(args.name, **filters, created_after=since, page_size=_MOST_PER_PAGE))


def _looked_at_again(seen: Iterable[Job], since: float | None) -> float | None:
    """The whole second from which on jobs may still change or come: all before it were seen and have ended."""
    newest = max((job.created_at for job in seen if job.created_at is not None), default=None)
    if newest is None:
        return since
    unfinished = [
        job.created_at
        for job in seen
        if job.created_at is not None and job.status in _UNFINISHED and job.created_at >= newest - _GIVE_UP_AFTER
    ]
    return float(math.floor(min([newest - _RECORDED_WITHIN, *unfinished])))


def logs(args: argparse.Namespace, terminal: Terminal) -> int:
    """Shows the log of a job, the newest if none is named; or of each that ends from now on."""
    with connected(destination(args, terminal), args) as cloud:
        if args.follow and args.job is None:
            args.limit = args.limit or 1
            for job in _followed(cloud, args, {}):
                if job.status not in _UNFINISHED and (not args.failed or _has_failed(job)):
                    _print_log(cloud, job, terminal, headed=True)
        if args.job is None and (args.since is not None or args.failed or (args.limit or 1) > 1):
            return _print_logs(cloud, args, terminal)
        job = _wanted(cloud, args, terminal)
        if args.follow:
            with terminal.spinner(lambda: f"job {job.id} is {job.status}"):
                while job.status in _UNFINISHED:
                    time.sleep(args.interval)
                    job = _found(cloud, args.name, job.id, since=job.created_at)
        _print_log(cloud, job, terminal, headed=False)
    return DONE


def _print_logs(cloud: MinCloud, args: argparse.Namespace, terminal: Terminal) -> int:
    """Shows the logs of several jobs, the newest last."""
    paginator = cloud.jobs.list(args.name, created_after=args.since, page_size=_MOST_PER_PAGE)
    ended = (job for job in paginator if job.status not in _UNFINISHED and (not args.failed or _has_failed(job)))
    found = list(islice(ended, args.limit or _USUAL_LOGS))
    if not found:
        raise CommandError(
            f"{args.name!r} has no such jobs: `mincloud-py jobs {args.name}` shows those it has", NOT_FOUND
        )
    for job in reversed(found):
        _print_log(cloud, job, terminal, headed=True)
    return DONE


def _wanted(cloud: MinCloud, args: argparse.Namespace, terminal: Terminal) -> Job:
    if args.job is not None:
        with terminal.spinner(lambda: f"looking for job {args.job}"):
            return _found(cloud, args.name, args.job)
    newest = next(iter(cloud.jobs.list(args.name, page_size=1)), None)
    if newest is None:
        raise CommandError(f"{args.name!r} was never called: `mincloud-py invoke {args.name}` calls it", NOT_FOUND)
    return newest


def _found(cloud: MinCloud, name: str, job_id: int, since: float | None = None) -> Job:
    """The job of an id: the service has no operation for one, so it is looked for among all, from the newest on."""
    paginator = cloud.jobs.list(name, created_after=since, page_size=_MOST_PER_PAGE, prefetch=_PAGES_AHEAD)
    for job in paginator:
        if job.id == job_id:
            return job
    raise CommandError(f"{name!r} has no job {job_id}: `mincloud-py jobs {name} --all` shows those it has", NOT_FOUND)


def _print_log(cloud: MinCloud, job: Job, terminal: Terminal, *, headed: bool) -> None:
    if not job.user_log_url:
        if not headed:
            raise CommandError(
                f"job {job.id} has no log: it is {job.status}"
                + (", so try again when it has ended, or add --follow" if job.status in _UNFINISHED else ""),
                NOT_FOUND,
            )
        log = ""
    else:
        log = cloud.jobs.log(job)
    if terminal.json:
        terminal.document({"job": job.id, "status": job.status, "created_at": job.created_at, "log": log})
    else:
        if headed:
            terminal.text(Cell(f"-- job {job.id} {job.status} {local_time(job.created_at)} {zone()}", "bold"))
        terminal.block(log)
    terminal.flush()
