"""Packets that vanish on their way to a socket of ours, before the kernel acknowledges them.

Bytes that a program merely leaves unread have been acknowledged: their sender knows that somebody
is there. What a filter on the socket refuses is as lost as on a broken line. Linux, for anybody.
"""

import ctypes
import socket
import struct
from typing import Any

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27  # not among Python's names
REFUSE = struct.pack("HBBI", 0x06, 0, 0, 0)  # the classic filter "return 0": keep no byte of it


def lose(sock: Any) -> None:
    """From now on nothing reaches this socket; to a listening one nobody can connect."""
    program = ctypes.create_string_buffer(REFUSE)
    told = struct.pack("HP", 1, ctypes.addressof(program))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, told)


def let_in(sock: Any) -> None:
    """Whatever is sent again from now on arrives."""
    sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, struct.pack("i", 0))
