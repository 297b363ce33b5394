"""Whether somebody listens there."""

import socket

HERE = "127.0.0.1"


def listens(port: int) -> bool:
    try:
        with socket.create_connection((HERE, port), timeout=1):
            return True
    except OSError:
        return False
