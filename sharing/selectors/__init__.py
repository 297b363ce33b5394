"""What the pages read: every query starts from what the person may see."""
