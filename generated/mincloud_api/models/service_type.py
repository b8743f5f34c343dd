from enum import StrEnum


class ServiceType(StrEnum):
    BATCH = "batch"
    TIME_SENSITIVE = "time_sensitive"

    def __str__(self) -> str:
        return str(self.value)
