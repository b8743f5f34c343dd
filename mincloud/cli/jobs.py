"""The commands `jobs` and `logs`."""

from __future__ import annotations

import math
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import JobNotFound
from .calls import job_document
from .clients import resolve_destination
from .exit_statuses import DONE, NOT_FOUND, CommandError, suggested
from .terminal import Cell, status_cell
from .units import counted, duration, local_time, seconds_between, size, zone

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from .. import Job, MinCloud
    from .terminal import Terminal

_HEADER = ("ID", "STATUS", f"CREATED {zone()}", "WAITED", "TOOK", "MEMORY", "SOURCE", "TYPE")
_UNFINISHED = ("waiting", "executing")
_MOST_PER_PAGE = 1000
_PAGES_AHEAD = 4
_DEFAULT_LOGS = 20
# A job waits 5 minutes for its turn at the most, and runs for as long; after that its status does not change any more.
_GIVE_UP_AFTER = 900.0
# A job may be recorded a little after one that was created later.
_RECORDED_WITHIN = 2.0


def jobs(args: argparse.Namespace, terminal: Terminal) -> int:
    """Lists the jobs of a function, the newest first; or follows them, the newest last."""
    filters: dict[str, Any] = {"source": args.source, "status": args.status, "service_type": args.service_type}
    with resolve_destination(args, terminal).connect() as cloud:
        if args.failed and args.status is not None:
            raise CommandError("--failed and --status are two filters of the status: choose one")
        if args.follow:
            if args.until is not None or args.all:
                raise CommandError("--follow shows what comes: it goes with neither --until nor --all")
            _print_followed(cloud, args, filters, terminal)
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
            return DONE
        count = terminal.table(_HEADER, map(_row, found), keep_whole=("STATUS", "CREATED"))
        if count == 0 and terminal.is_interactive:
            is_filtered = args.failed or any(filters.values()) or (args.since, args.until) != (None, None)
            terminal.note(f"{args.name!r} {'has no such jobs' if is_filtered else 'was never called'}")
        if count == limit and not args.failed and paginator.total > count:
            terminal.note(f"{limit} of {counted(paginator.total, 'job')}: --limit N or --all shows more")
    return DONE


def _has_failed(job: Job) -> bool:
    """Whether a job has ended and is not fulfilled; the service can filter by one status only."""
    return job.status not in (*_UNFINISHED, "fulfilled")


def _row(job: Job) -> tuple[str, ...]:
    return (
        str(job.id),
        status_cell(job.status),
        local_time(job.created_at),
        duration(seconds_between(job.created_at, job.started_at)),
        duration(seconds_between(job.started_at, job.finished_at)),
        size(job.mem_usage),
        job.source or "",
        job.service_type or "",
    )


def _print_followed(cloud: MinCloud, args: argparse.Namespace, filters: dict[str, Any], terminal: Terminal) -> None:
    """Prints each new job, and again whenever its status has changed, until it is interrupted."""
    # Not a filter of the service: a job is created before it has the wanted status.
    wanted = filters.pop("status")
    for job in _follow(cloud, args, filters):
        if (wanted is not None and job.status != wanted) or (args.failed and not _has_failed(job)):
            continue
        if terminal.json:
            terminal.document(job_document(job))
        else:
            parts = [local_time(job.created_at), str(job.id), status_cell(job.status), _row(job)[4]]
            terminal.text(*[each for part in parts if part for each in ("  ", part)][1:])
        sys.stdout.flush()


def _follow(cloud: MinCloud, args: argparse.Namespace, filters: dict[str, Any]) -> Iterator[Job]:
    """Yields jobs as they are created, and again whenever their status has changed; without an end."""
    found = cloud.jobs.list(args.name, **filters, created_after=args.since, page_size=min(args.limit, _MOST_PER_PAGE))
    batch = list(islice(found, args.limit))
    # Jobs older than those within the limit are not shown, also where a later look lists them.
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
        since = _next_since(seen.values(), since)
        if since is not None:
            seen = {job.id: job for job in seen.values() if job.created_at is None or job.created_at >= since}
        time.sleep(args.interval)
        batch = list(cloud.jobs.list(args.name, **filters, created_after=since, page_size=_MOST_PER_PAGE))


def _next_since(seen: Iterable[Job], since: float | None) -> float | None:
    """The whole second from which on to list jobs again: all jobs before it were seen and have ended."""
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
    """Prints the log of a job, the newest if none is named; or of several; or of each job that ends from now on."""
    with resolve_destination(args, terminal).connect() as cloud:
        if args.follow and args.job is None:
            args.limit = args.limit or 1
            for job in _follow(cloud, args, {}):
                if job.status not in _UNFINISHED and (not args.failed or _has_failed(job)):
                    _print_log(cloud, job, terminal, with_heading=True)
        if args.job is None and (args.since is not None or args.failed or (args.limit or 1) > 1):
            return _print_logs(cloud, args, terminal)
        if args.job is not None:
            with terminal.spinner(lambda: f"looking for job {args.job}"):
                job = _get_job(cloud, args.name, args.job)
        elif (newest := next(iter(cloud.jobs.list(args.name, page_size=1)), None)) is not None:
            job = newest
        else:
            raise CommandError(f"{args.name!r} was never called: {suggested('invoke', args.name)} calls it", NOT_FOUND)
        if args.follow:
            with terminal.spinner(lambda: f"job {job.id} is {job.status}"):
                while job.status in _UNFINISHED:
                    time.sleep(args.interval)
                    newer = cloud.jobs.list(args.name, created_after=job.created_at, page_size=_MOST_PER_PAGE)
                    job = next((each for each in newer if each.id == job.id), job)
        _print_log(cloud, job, terminal, with_heading=False)
    return DONE


def _print_logs(cloud: MinCloud, args: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the logs of several jobs, the newest last."""
    paginator = cloud.jobs.list(args.name, created_after=args.since, page_size=_MOST_PER_PAGE)
    ended = (job for job in paginator if job.status not in _UNFINISHED and (not args.failed or _has_failed(job)))
    found = list(islice(ended, args.limit or _DEFAULT_LOGS))
    if not found:
        raise CommandError(
            f"{args.name!r} has no such jobs: {suggested('jobs', args.name)} shows those it has", NOT_FOUND
        )
    for job in reversed(found):
        _print_log(cloud, job, terminal, with_heading=True)
    return DONE


def _get_job(cloud: MinCloud, name: str, job_id: int) -> Job:
    try:
        return cloud.jobs.get(name, job_id)
    except JobNotFound as error:
        raise CommandError(
            f"{name!r} has no job {job_id}: {suggested('jobs', name, '--all')} shows those it has", NOT_FOUND
        ) from error


def _print_log(cloud: MinCloud, job: Job, terminal: Terminal, *, with_heading: bool) -> None:
    if not job.user_log_url and not with_heading:
        advice = ", so try again when it has ended, or add --follow" if job.status in _UNFINISHED else ""
        raise CommandError(f"job {job.id} has no log: it is {job.status}{advice}", NOT_FOUND)
    log = cloud.jobs.log(job) if job.user_log_url else ""
    if terminal.json:
        terminal.document({"job": job.id, "status": job.status, "created_at": job.created_at, "log": log})
    else:
        if with_heading:
            terminal.text(Cell(f"-- job {job.id} {job.status} {local_time(job.created_at)} {zone()}", "bold"))
        terminal.block(log)
    sys.stdout.flush()
