"""The revisions of the manifest's tables, oldest first. A revision that was released is never changed."""

__all__: list[str] = []
