"""Market data: where it comes from, how it is read, and where it is kept."""
