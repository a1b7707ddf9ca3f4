"""What tests pretend, and the behaviours that every store and every agent must have. Shipped to users.

The suites use pytest with ``asyncio_mode = "auto"``; importing this package lets pytest explain their assertions.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("taxiway.testing.conformance", "taxiway.testing.agent_conformance")
