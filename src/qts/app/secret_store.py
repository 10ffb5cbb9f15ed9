"""Secrets in the control database, encrypted with a key that is kept elsewhere: a copy of the home folder alone opens none of them."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qts.core.errors import BadPath, DamagedFile, InputError
from qts.data.storage.database import Database
from qts.data.storage.row_seals import damaged_row, marked_rows, with_seal

_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_PRIVATE: Final = 0o600
SECRETS: Final = sa.Table(
    "secrets",
    sa.MetaData(),
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("nonce", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("made_at", sa.String(40), nullable=False),
    sa.Column("row_seal", sa.String(16)),
)
_ANEW: Final = "Keep it anew: `qts login --again` makes another session, `qts login --save-keys` keeps the keys."


class SecretStore:
    """Texts by name, sealed with AES-GCM under a key of their own, made from the key file and a random salt.

    Parameters
    ----------
    database : Database
        The control database.
    key_file : Path
        Where the key is, or will be made when the first secret is kept. It must not lie in the home folder.
    """

    def __init__(self, database: Database, key_file: Path) -> None:
        self._database = database
        self._key_file = key_file

    def put(self, name: str, text: str, *, at: datetime) -> None:
        """Keep a secret in place of what was kept under its name.

        Raises
        ------
        BadPath
            If the key file cannot be made or read, or others may read it.
        """
        salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher(salt, name, make=True).encrypt(nonce, text.encode(), name.encode())
        row = {"name": name, "salt": salt, "nonce": nonce, "sealed": sealed, "made_at": at.isoformat()}
        with self._database.writing() as connection:
            connection.execute(sa.delete(SECRETS).where(SECRETS.c.name == name))
            connection.execute(sa.insert(SECRETS).values(with_seal(SECRETS, row)))

    def claim(self, name: str, *, at: datetime) -> bool:
        """Take a name, and return whether nobody had it: of several processes that come at once one gets it. It holds no secret."""
        row = {"name": name, "salt": b"", "nonce": b"", "sealed": b"", "made_at": at.isoformat()}
        with self._database.writing() as connection:
            if connection.execute(sa.select(SECRETS.c.name).where(SECRETS.c.name == name)).first() is not None:
                return False
            connection.execute(sa.insert(SECRETS).values(with_seal(SECRETS, row)))
        return True

    def drop_claims(self, beginning: str, *, before: datetime) -> None:
        """Forget the names that begin so and were taken before an instant, and those whose rows are damaged: nobody knows when that was."""
        with self._database.writing() as connection:
            for row, is_sound in marked_rows(connection, SECRETS, sa.select(SECRETS)):
                if str(row["name"]).startswith(beginning) and not (is_sound and _is_made_since(row, before)):
                    connection.execute(sa.delete(SECRETS).where(SECRETS.c.name == row["name"]))

    def get(self, name: str) -> tuple[str, datetime] | None:
        """Return a secret and when it was kept, or None.

        Raises
        ------
        BadPath
            If the key file is not there or may be read by others.
        InputError
            If the secret was sealed with another key.
        DamagedFile
            If its row differs from what was written; :meth:`put` and :meth:`drop` work all the same.
        """
        with self._database.reading() as connection:
            rows = marked_rows(connection, SECRETS, sa.select(SECRETS).where(SECRETS.c.name == name))
        if not rows:
            return None
        ((row, is_sound),) = rows
        if not is_sound:
            raise _damage(row)
        try:
            text = self._cipher(row["salt"], name, make=False).decrypt(row["nonce"], row["sealed"], name.encode())
            return text.decode(), datetime.fromisoformat(row["made_at"])
        except InvalidTag as error:
            hint = f"Put the key back that was at {self._key_file}, or keep the secret anew."
            raise InputError(f"The stored secret {name!r} does not open with the present key.", hint=hint) from error
        except (TypeError, ValueError) as error:  # damaged before rows had hashes
            raise _damage(row) from error

    def drop(self, name: str) -> None:
        """Forget a secret."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(SECRETS).where(SECRETS.c.name == name))

    def _cipher(self, salt: bytes, name: str, *, make: bool) -> AESGCM:
        derived = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=f"qts/{name}".encode()).derive(self._key(make=make))
        return AESGCM(derived)

    def _key(self, *, make: bool) -> bytes:
        try:
            if make:
                _make_key(self._key_file)
            key = self._key_file.read_bytes()
            is_open = bool(self._key_file.stat().st_mode & 0o077)
        except OSError as error:
            hint = "Secrets open only with the key that they were kept with; put it back, or keep them anew."
            raise BadPath(str(self._key_file), (error.strerror or str(error)).lower(), hint=hint) from error
        if is_open:
            raise BadPath(str(self._key_file), "may be read by others", hint=f"Run: chmod 600 {self._key_file}")
        if len(key) != _KEY_BYTES:
            raise BadPath(str(self._key_file), f"holds {len(key)} bytes instead of {_KEY_BYTES}", hint="Put the right key back.")
        return key


def masked(secret: str) -> str:
    """Return a secret's last four characters, or nothing of a short one.

    >>> masked("abcdefghijkl"), masked("abc")
    ('…ijkl', '…')
    """
    return f"…{secret[-4:]}" if len(secret) >= 12 else "…"


def _damage(row: sa.RowMapping) -> DamagedFile:
    found = damaged_row(SECRETS, row)
    return DamagedFile(found.path, found.reason, hint=f"{_ANEW} {found.hint}")


def _is_made_since(row: sa.RowMapping, instant: datetime) -> bool:
    try:
        return datetime.fromisoformat(row["made_at"]) >= instant
    except (TypeError, ValueError):  # damaged before rows had hashes
        return False


def _make_key(path: Path) -> None:
    """Make the key if there is none; of several who come at once one makes it."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
