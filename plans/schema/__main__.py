"""Write the published schema anew: `python -m plans.schema`."""

from plans import schema

schema.write()
