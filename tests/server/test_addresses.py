"""What is taken for the address of a server, and for a token."""

from pathlib import Path

import pytest

import taxiway
from taxiway.cli.asked import token_of, url_of
from taxiway.cli.flags import Flags
from taxiway.client.address import base_of, is_loopback
from taxiway.core.errors import Unauthorized


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787/v1"),
        (" http://127.0.0.1:8787/ ", "http://127.0.0.1:8787/v1"),
        ("http://[::1]:8787", "http://[::1]:8787/v1"),
        ("https://agents.example/taxiway/", "https://agents.example/taxiway/v1"),
    ],
)
def test_an_address_is_taken_as_people_write_it(url: str, base: str) -> None:
    """Surface 7: with a port, in IPv6, behind a proxy's path."""
    assert base_of(url) == base


@pytest.mark.parametrize(
    "url",
    [
        *(
            "127.0.0.1:8787",
            "localhost",
            "ftp://127.0.0.1",
            "http://",
            "http://::1:8787",
            "http://h:99999",
            "http://[x",
        ),
        *("http://ann:txw_secret@h", "http://h/?token=x", "http://h/#x", "http://h h", "http://hé", ""),
    ],
)
def test_what_is_no_address_is_refused_with_what_would_be_right(url: str) -> None:
    """Surface 7: before anything is sent anywhere."""
    with pytest.raises(taxiway.Invalid) as error:
        taxiway.connect(url, token="txw_x")
    assert "secret" not in error.value.message


@pytest.mark.parametrize("token", ["", " \n", "txw_a b", "txw_\x00", "txw_é", "txw_a\r\nx-other: y"])
def test_what_cannot_be_a_token_is_not_sent(token: str) -> None:
    """4.14: and is not said either."""
    with pytest.raises(taxiway.Invalid) as error:
        taxiway.connect("http://127.0.0.1:9", token=token)
    assert "other" not in error.value.message


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """Surface 7."""
    with (
        pytest.raises(taxiway.Invalid, match=r"no\.pem"),
        taxiway.connect_sync("https://h", token="t", ca_file=tmp_path / "no.pem"),
    ):
        pass
    (tmp_path / "bad.pem").write_text("nothing")
    with (
        pytest.raises(taxiway.Invalid, match=r"bad\.pem"),
        taxiway.connect_sync("https://h", token="t", ca_file=tmp_path / "bad.pem"),
    ):
        pass


def flags(**given: str) -> Flags:
    """What was typed."""
    made = Flags()
    for name, value in given.items():
        setattr(made, name, value)
    return made


def test_which_server_is_asked() -> None:
    """Surface 5: the flag before the variable; a store that is typed before the variable, too."""
    around = {"TAXIWAY_URL": "http://127.0.0.1:1"}
    assert url_of(flags(), {}) is None
    assert url_of(flags(), {"TAXIWAY_URL": ""}) is None
    assert url_of(flags(), around) == "http://127.0.0.1:1"
    assert url_of(flags(url="http://127.0.0.1:2"), around) == "http://127.0.0.1:2"
    assert url_of(flags(store="s.db"), around) is None
    with pytest.raises(Exception, match="say one of them"):
        url_of(flags(store="s.db", url="http://127.0.0.1:2"), {})


def test_where_the_token_comes_from(tmp_path: Path) -> None:
    """4.14: a file, the environment, and the owner's own for a server on this machine: for no other."""
    owners, file = tmp_path / "s.token", tmp_path / "t"
    file.write_text("txw_file\n")
    around, near, far = {"TAXIWAY_TOKEN": "txw_env"}, "http://localhost:1", "https://agents.example"
    assert token_of(flags(token_file=str(file)), around, near, lambda: owners) == "txw_file"
    assert token_of(flags(), around, near, lambda: owners) == "txw_env"
    with pytest.raises(Unauthorized, match=r"s\.token is not there"):
        token_of(flags(), {}, near, lambda: owners)
    owners.write_text("txw_own\n")
    assert token_of(flags(), {}, near, lambda: owners) == "txw_own"
    with pytest.raises(Unauthorized):
        token_of(flags(), {}, far, lambda: owners)
    with pytest.raises(taxiway.Invalid, match="cannot be read"):
        token_of(flags(token_file=str(tmp_path / "none")), {}, far, lambda: owners)
    assert [is_loopback(url) for url in (near, "http://[::1]:1", "http://127.9.9.9", far, "http://10.0.0.1")] == [
        *(True, True, True, False, False)
    ]
