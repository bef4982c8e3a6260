from collections.abc import Sequence

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """One process runs the tests of a folder: they share the servers that they start."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.parent.name))
