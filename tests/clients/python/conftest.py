import os

import pytest
from qenex_client import AuthenticatedClient, connect


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["QENEX_URL"]


@pytest.fixture(scope="session")
def key() -> str:
    return os.environ["QENEX_KEY"]


@pytest.fixture(scope="session")
def node(url: str, key: str) -> AuthenticatedClient:
    return connect(url, key)
