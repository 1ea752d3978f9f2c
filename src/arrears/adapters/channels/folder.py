"""Mail into a folder: one file a message, named by its id, written and synced before it counts as accepted. It is
the whole mail, as a mail program would open it; `/outbox/` shows it (see web/outbox.py).

The name makes it provable what became of a message whose sender died: the file is there, or it never was.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime
from pathlib import Path

from arrears.ports import Delivery, DeliveryAbout, Fate, Message
from arrears.ports.privacy import digest_of_mailbox


class FolderChannel:
    """A folder on a local file system. `sender` is the address in the From line."""

    def __init__(self, folder: Path, sender: str = "billing@arrears.invalid") -> None:
        self.folder = folder
        self._sender = sender
        # Links in mails are secrets, and so is who gets them.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(0o700)

    def send(self, message: Message) -> Delivery:
        """Write, sync, then give the file its name; a name that exists was sent before and is left alone. What cannot
        be written as a mail is refused, as by a server."""
        try:
            mail = self._mail(message)
        except ValueError as error:
            return Delivery(Fate.REFUSED, reply=str(error)[:200])
        return self._keep(message.id, mail)

    def _mail(self, message: Message) -> EmailMessage:
        # Heads are not folded: where an encoded word begins, the standard library would leave two spaces.
        mail = EmailMessage(policy=policy.default.clone(max_line_length=998))
        mail["From"] = self._sender
        mail["To"] = message.to
        mail["Subject"] = message.subject
        mail["Message-ID"] = f"<{message.id}@arrears.invalid>"
        if message.at is not None:
            mail["Date"] = format_datetime(message.at)
        mail["Auto-Submitted"] = "auto-generated"
        if message.thread:
            mail["References"] = f"<thread.{message.thread}@arrears.invalid>"
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        for one in message.attachments:
            mail.add_attachment(one.body, maintype="application", subtype="pdf", filename=one.name)
        return mail

    def _keep(self, name: str, mail: EmailMessage) -> Delivery:
        part = self.folder / f".{name}.{os.getpid()}.part"
        part.unlink(missing_ok=True)
        named = False
        try:
            with open(part, "xb", opener=_private) as file:
                file.write(mail.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            os.link(part, self._path(name))
            named = True
            self._sync_folder()
        except FileExistsError:
            return Delivery(Fate.ACCEPTED)
        except OSError as error:
            if named:
                # The name is there, but may not survive a power cut: nobody can tell.
                return Delivery(Fate.UNKNOWN)
            # A full disk, a folder that is gone: nothing that this message or its address can help.
            return Delivery(Fate.REFUSED, DeliveryAbout.SERVER, error.strerror or "the folder takes nothing")
        finally:
            part.unlink(missing_ok=True)
        return Delivery(Fate.ACCEPTED)

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return Fate.ACCEPTED if self._path(message_id).exists() else Fate.NOT_SENT

    def _path(self, message_id: str) -> Path:
        return self.folder / f"{message_id}.eml"

    def _sync_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def forget(folder: Path, mailboxes: Collection[bytes]) -> int:
    """Take every mail to one of these out of a folder, whoever laid it there, also one that was never finished; how
    many there were. `mailboxes` are digests (`digest_of_mailbox`). Raises OSError where the folder does not let it."""
    forgotten = 0
    for path in folder.glob("*") if mailboxes else ():
        if path.suffix in (".eml", ".part") and _is_to(path, mailboxes):
            path.unlink(missing_ok=True)
            forgotten += 1
    return forgotten


def _is_to(path: Path, mailboxes: Collection[bytes]) -> bool:
    try:
        with path.open("rb") as file:
            to = BytesParser(policy=policy.default).parse(file, headersonly=True)["To"]
    except FileNotFoundError:
        return False
    return to is not None and any(digest_of_mailbox(one.addr_spec) in mailboxes for one in to.addresses)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
