"""Pages where a person plays the coach, and looks into the destinations."""
