"""What one pytest call came to, from the report it wrote."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

BROWSER = "tests.browser"


@dataclass(frozen=True)
class Outcome:
    """How many tests ran, and how it ended."""

    code: int
    passed_tests: int = 0
    failed_tests: int = 0
    skipped_tests: int = 0
    browser_skipped: int = 0
    seconds: float = 0.0

    @property
    def ran(self) -> int:
        return self.passed_tests + self.failed_tests

    @property
    def passed(self) -> bool:
        return self.code == 0 and self.ran > 0

    def words(self) -> str:
        if not self.ran:
            return f"FAILED, no test ran (exit {self.code}, {self.skipped_tests} skipped)."
        failed = f"{self.failed_tests} FAILED, " if self.failed_tests else ""
        skipped = f", {self.skipped_tests} skipped" if self.skipped_tests else ""
        end = "" if self.passed else f" (exit {self.code})"
        return f"{failed}{self.passed_tests} passed{skipped} in {self.seconds:.0f} s{end}."


def read(report: Path, code: int) -> Outcome:
    """A report that was never written is a call in which nothing ran."""
    if not report.exists():
        return Outcome(code)
    suites = list(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314 - our own pytest wrote it
    cases = [case for suite in suites for case in suite.iter("testcase")]
    skipped = [case for case in cases if case.find("skipped") is not None]
    failed = sum(_broken(case) for case in cases)
    return Outcome(
        code=code,
        passed_tests=len(cases) - len(skipped) - failed,
        failed_tests=failed,
        skipped_tests=len(skipped),
        browser_skipped=sum(_of_the_browser(skipped)),
        seconds=sum(float(suite.get("time", "0")) for suite in suites),
    )


def _broken(case: ET.Element) -> bool:
    return any(case.find(kind) is not None for kind in ("failure", "error"))


def _of_the_browser(cases: list[ET.Element]) -> Iterator[bool]:
    return (case.get("classname", "").startswith(BROWSER) for case in cases)
