from enum import StrEnum


class Plan(StrEnum):
    P_FREE = "P_FREE"
    P_PERSONAL = "P_PERSONAL"

    def __str__(self) -> str:
        return str(self.value)
