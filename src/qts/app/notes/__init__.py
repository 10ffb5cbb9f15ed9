"""Notes: files of trades and charges from a broker, read into a statement that can be reconciled."""

from qts.app.notes.lines import MAX_BYTES, text_of
from qts.app.notes.reading import read_statement
from qts.app.notes.replies import read_reply
from qts.app.notes.tables import read_table

__all__ = ["MAX_BYTES", "read_reply", "read_statement", "read_table", "text_of"]
