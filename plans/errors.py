"""How plans say that something does not have the agreed shape."""


class ContractError(Exception):
    """A document breaks its contract. Names the field, what is there and what belongs there."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path or 'the document'}: {self.problem}"

    def below(self, parent: str) -> "ContractError":
        """The same complaint, seen from the document that contains this one."""
        return ContractError(joined(parent, self.path), self.problem)


def joined(parent: str, path: str) -> str:
    dot = "." if parent and path and not path.startswith("[") else ""
    return f"{parent}{dot}{path}"
