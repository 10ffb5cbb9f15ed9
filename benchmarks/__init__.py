"""Measurements of this program beside others; a package of its own name also where another distribution brings one of that name."""
