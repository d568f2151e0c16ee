"""What all tests share: servers on loopback, and a switch that turns skips into failures."""

from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from functions.stores.sql.engine import open_engine
from mcp_service.database.migrate import migrate
from tests.servers import databases
from tests.servers.mail import Mailbox
from tests.servers.port import free_port
from tests.servers.website import Website

# Times of a property test say how busy the machine is, nothing about the property.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def port() -> int:
    """A free port on loopback."""
    return free_port()


@pytest.fixture
def website() -> Iterator[Website]:
    with Website() as site:
        yield site


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as box:
        yield box


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """A migrated database of this run on the real server."""
    with databases.mysql() as url:
        migrate(url)
        yield url


@pytest.fixture
def mariadb(mariadb_server: str) -> str:
    """The same, empty."""
    databases.emptied(mariadb_server)
    return mariadb_server


@pytest.fixture(params=["sqlite", "mariadb"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated, empty database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/monitors.db"
        migrate(url)
    else:
        url = request.getfixturevalue("mariadb")
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Note a measured figure; all of them are printed at the end of the run."""
    return partial(record_property, "figure")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)
    ]
    noted = [
        value for report in reports for name, value in report.user_properties if name == "figure"
    ]
    if noted:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(dict.fromkeys(noted)))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skip", action="store_true", help="a test that could not run has failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.config.getoption("--no-skip"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and --no-skip is given: {report.longrepr}"
    return report
