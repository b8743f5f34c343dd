from enum import StrEnum


class JobStatus(StrEnum):
    DEADLINE_EXCEEDED = "deadline_exceeded"
    EXECUTING = "executing"
    EXECUTION_FAILED = "execution_failed"
    EXECUTION_REJECTED = "execution_rejected"
    FULFILLED = "fulfilled"
    SCHEDULE_FAILED = "schedule_failed"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
