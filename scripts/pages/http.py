"""The server's endpoints, as the code has them."""

from itertools import groupby

from scripts.pages.markdown import table
from taxiway.server.app import ENDPOINTS, PREFIX
from taxiway.server.endpoint import Endpoint


def endpoints() -> str:
    """Every endpoint with who may use it, by subject."""
    found = []
    for subject, of_subject in groupby(sorted(ENDPOINTS, key=_place), key=lambda one: one.path.split("/")[1]):
        rows = [(f"`{one.method} {PREFIX}{one.path}`", str(one.scope), _said(one)) for one in of_subject]
        found.append(f"**{subject}**\n\n" + table(("endpoint", "scope", "what it does"), rows))
    return "\n\n".join(found)


def _place(one: Endpoint) -> tuple[str, str, str]:
    return one.path.split("/")[1], one.path, one.method


def _said(one: Endpoint) -> str:
    text = " ".join((one.handler.__doc__ or one.summary).split()).replace("``", "`")
    return text + (" Takes `If-Match`." if one.conditional else "")
