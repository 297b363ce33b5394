"""What makes a file outside the database outlive the machine. No Django here."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """A new name is on the disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
