"""File formats, one file each: a new one is a new file that declares ``FORMAT``."""

__all__: list[str] = []
