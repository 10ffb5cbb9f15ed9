"""Dated rules of the outside world: sessions and charges."""

__all__: list[str] = []
