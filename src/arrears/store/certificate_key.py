"""The key that signs certificates: the one that is set, else this machine's own, made once and kept in its home."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from arrears.core.certificate import KEY_BYTES
from arrears.core.errors import Refused
from arrears.store.server import make_home


def certificate_key(given: str, home: Path) -> bytes:
    """The private key of 32 bytes: `given` in hexadecimal digits, else the one in `home`, readable by its owner alone.
    Who loses it can prove old certificates by the public key, and signs new ones with another."""
    if given:
        return bytes.fromhex(given)
    path = home / "certificate_key"
    if not path.exists():
        make_home(home)
        # Whole or not at all: who reads it meanwhile would sign with half a key.
        part = home / f".certificate_key.{secrets.token_hex(4)}"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        found = b""
    if len(found) != KEY_BYTES:
        raise Refused("bad_key", f"{path} is not the key that was made: put its copy back")
    return found
