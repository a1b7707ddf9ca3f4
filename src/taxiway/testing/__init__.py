"""What tests pretend: a clock moved by hand, and the behaviours that every store must have. Shipped to users.

The suites use pytest with ``asyncio_mode = "auto"``; importing this package lets pytest explain their assertions.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("taxiway.testing.conformance")
