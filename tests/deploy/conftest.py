"""The site as shipped, in front of a stand-in, and in front of the application itself."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.nginx import Nginx, nginx
from tests.support.upstream import Upstream, upstream


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name, which holds 107 characters at most."""
    folder = Path(tempfile.mkdtemp(prefix="medical-ai-edge-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def edge(short: Path) -> Iterator[Nginx]:
    """The site with nothing behind it, and all its counters at nought."""
    with nginx(short) as running:
        yield running


@pytest.fixture
def behind(edge: Nginx) -> Iterator[Upstream]:
    """The stand-in behind the site."""
    with upstream(edge.socket) as server:
        yield server
