"""The emulated application without HTTP: functions, jobs, calls and their storage."""
