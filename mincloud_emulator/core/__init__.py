"""What the emulator does behind its API: functions, jobs, invocations and their storage."""
