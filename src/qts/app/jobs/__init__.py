"""Jobs: long work that goes on while nobody watches, survives what kills its process, and tells how far it has come."""

__all__: list[str] = []
