"""Each test has a home of its own, so that nobody's settings, caches or keys play a part."""

import os
from pathlib import Path

import pytest
from tests.servers import isolated_environment


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("home")
    environment = isolated_environment(folder)
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return folder
