from enum import StrEnum


class EventSource(StrEnum):
    CLOUD_FUNCTION = "cloud_function"
    FILE_OPERATION = "file_operation"
    FLEX_SCHEMA = "flex_schema"
    OPEN_API = "open_api"
    SDK = "sdk"
    TIMER = "timer"
    WECHAT_PAY_SUCCESS = "wechat_pay_success"

    def __str__(self) -> str:
        return str(self.value)
