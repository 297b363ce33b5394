"""What people search for, as the database can be asked."""


def findable(words: str) -> bool:
    """PostgreSQL keeps no text with a NUL in it and takes none in a question: nothing is called
    that.
    """
    return "\0" not in words
