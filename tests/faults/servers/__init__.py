"""Private servers, a proxy and the product's processes, all on loopback, all ended with us.

Everything here is a real process on a free port with its data in a folder of the test's own.
"""

from tests.faults.servers.disk import SmallDisk, small_disk
from tests.faults.servers.postgres import PrivatePostgres
from tests.faults.servers.process import Process
from tests.faults.servers.processes import Processes
from tests.faults.servers.proxy import Proxy
from tests.faults.servers.valkey import PrivateRedis

__all__ = [
    "PrivatePostgres",
    "PrivateRedis",
    "Process",
    "Processes",
    "Proxy",
    "SmallDisk",
    "small_disk",
]
