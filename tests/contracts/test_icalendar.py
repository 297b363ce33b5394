from destinations.adapters.icalendar.adapter import ICalendarAdapter
from tests.contracts.destination import DestinationContract


class TestICalendarContract(DestinationContract):
    adapter_class = ICalendarAdapter
    config = {"calendar_name": "Training"}
