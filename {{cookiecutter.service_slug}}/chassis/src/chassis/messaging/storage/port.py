"""The storage of messaging, in the service's own database and in the transactions of its data."""

from typing import Protocol

from ..history.port import History
from ..inbox.port import Inbox
from ..outbox.port import Outbox


class MessageStorage(Protocol):
    """The tables of messaging on one database."""

    @property
    def outbox(self) -> Outbox: ...

    @property
    def inbox(self) -> Inbox: ...

    @property
    def history(self) -> History: ...
