"""The kinds of jobs, one file each: its name is the kind's id, its ``KIND`` says what such a job does."""

__all__: list[str] = []
