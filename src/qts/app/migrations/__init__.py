"""The revisions of the control database's tables, oldest first. A revision that was released is never changed."""

__all__: list[str] = []
