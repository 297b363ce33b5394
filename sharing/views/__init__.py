"""The sharing pages: a view checks who asks, reads by selectors, acts by services, answers."""
