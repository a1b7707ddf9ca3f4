"""The TCP connections of this network namespace, and what has gone over each: asked of the kernel (sock_diag)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

_SOCK_DIAG: Final = 4  # the family of netlink
_BY_FAMILY: Final = 20
_REQUEST_DUMP: Final = 0x301
_DONE: Final = 3
_ERROR: Final = 2
_INFO: Final = 2  # the attribute that holds a struct tcp_info
_AGO_AT: Final = 44  # in a struct tcp_info: since data was sent, since an acknowledgement was, since data came (ms)
_BYTES_AT: Final = 120  # bytes_acked, bytes_received
_ANSWER_S: Final = 1.0
_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
#: Family, state, timer, retransmits; both ports, as on the wire; both addresses; interface and cookie; expiry, two
#: queues, user, inode.
_FOUND: Final = struct.Struct("=BBBB4s16s16s12sIIIII")
_OPENING: Final = 2
_STATES: Final = 1 << 1 | 1 << _OPENING  #: established, and being opened


class Connection(NamedTuple):
    """One end of a connection: the inode of its socket, the two ends, how many bytes went either way, and whether it is
    ``owed`` an answer: something was sent, and nothing came since."""

    inode: int
    here: bytes
    there: bytes
    moved: int
    owed: bool


def connections() -> list[Connection]:
    """All that stand open or are being opened. Raises OSError where the kernel does not tell."""
    return [*_of(socket.AF_INET), *_of(socket.AF_INET6)]


def _of(family: int) -> Iterator[Connection]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _SOCK_DIAG) as link:
        link.settimeout(_ANSWER_S)
        wanted = struct.pack("=BBBBI48x", family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, _STATES)
        link.send(_HEADER.pack(_HEADER.size + len(wanted), _BY_FAMILY, _REQUEST_DUMP, 1, 0) + wanted)
        while True:
            answer, at = link.recv(1 << 18), 0
            while at + _HEADER.size <= len(answer):
                size, kind, *_ = _HEADER.unpack_from(answer, at)
                if kind == _DONE:
                    return
                if kind == _ERROR or size < _HEADER.size:
                    raise OSError("the kernel does not tell which connections there are")
                yield _connection(answer[at + _HEADER.size : at + size])
                at += (size + 3) & ~3


def _connection(message: bytes) -> Connection:
    _, state, _, _, ports, source, target, _, _, _, _, _, inode = _FOUND.unpack_from(message)
    moved, owed, at = 0, state == _OPENING, _FOUND.size
    while at + _ATTRIBUTE.size <= len(message):
        size, kind = _ATTRIBUTE.unpack_from(message, at)
        if kind == _INFO and size >= _ATTRIBUTE.size + _BYTES_AT + 16:
            acknowledged, came = struct.unpack_from("=QQ", message, at + _ATTRIBUTE.size + _BYTES_AT)
            sent_ago, _, came_ago = struct.unpack_from("=III", message, at + _ATTRIBUTE.size + _AGO_AT)
            moved = acknowledged + came
            owed = owed or came == 0 or sent_ago < came_ago  # where nothing came, that is since it was opened
        at += max((size + 3) & ~3, _ATTRIBUTE.size)
    return Connection(inode, source + ports[:2], target + ports[2:], moved, owed)
