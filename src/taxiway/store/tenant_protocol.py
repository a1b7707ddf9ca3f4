"""The part of a store's contract that is about tenants: whose everything is (I10)."""

from __future__ import annotations

from typing import Protocol, Self


class TenantStore(Protocol):
    """Verbs about tenants."""

    def of(self, tenant: str) -> Self:
        """The same store as one tenant sees it: what people ask for, change and read through it is that tenant's, and
        what another one has is not there. A tenant is made by its first use. Raises ``Invalid`` for a name that none
        can have."""
        ...

    async def tenants(self) -> list[str]:
        """Every tenant, by name."""
        ...
