"""Stores of bars side by side: what they are given, what they are asked, and what was seen."""
