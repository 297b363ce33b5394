"""What sharing wrote, read for people: today, what needs somebody, the log."""
