"""`actorsched keygen`: what it writes, and for whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actorsched.cli.keygen import keygen
from actorsched.errors import ConfigError
from actorsched.transport.guard import CurveGuard, PlainGuard, read_users
from actorsched.transport.keys import read_pair, read_public
from actorsched.transport.passwords import check_password, hash_password, is_hash


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str, typed: str | None = None) -> Result:
    result = CliRunner().invoke(keygen, words, input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_keys_of_a_scheduler_and_a_client_fit(here: Path) -> None:
    """What is said to be done is enough."""
    run("server", "--keys", "k")
    said = run("client", "alice", "--into", "mine", "--authorise", "k")
    guard = CurveGuard(here / "k")
    alice = read_pair(here / "mine" / "alice.key_secret")
    assert guard.role(alice.public.decode()) == "full"
    assert guard.pair is not None
    assert read_public(here / "k" / "server.key") == guard.pair.public
    assert "--server-key k/server.key --client-key mine/alice.key_secret" in said.output


def test_a_watcher_may_only_look(here: Path) -> None:
    """Its key is in another folder."""
    run("server", "--keys", "k")
    run("client", "eve", "--authorise", "k", "--read-only")
    assert CurveGuard(here / "k").role(read_pair("eve.key_secret").public.decode()) == "read-only"


@pytest.mark.parametrize("secret", ["k/server.key_secret", "alice.key_secret", "users"])
def test_secrets_are_for_their_owner_only(secret: str, here: Path) -> None:
    """From the moment when the file is there."""
    run("server", "--keys", "k")
    run("client", "alice")
    run("user", "alice", "--users", "users", "--password", "word")
    assert (here / secret).stat().st_mode & 0o777 == 0o600
    assert (here / "k").stat().st_mode & 0o777 == 0o700


def test_no_key_is_overwritten(here: Path) -> None:
    """The old one may still be in use."""
    run("client", "alice")
    before = (here / "alice.key_secret").read_text()
    with pytest.raises(ConfigError, match=r"alice\.key.*a key already"):
        run("client", "alice")
    assert (here / "alice.key_secret").read_text() == before


def test_nobody_takes_the_place_of_somebody_else(here: Path) -> None:
    """Two people may have one name; who was let in must not be locked out by that."""
    run("server", "--keys", "k")
    run("client", "alice", "--authorise", "k")
    with pytest.raises(ConfigError, match=r"alice\.key: .*another key of that name"):
        run("client", "alice", "--into", "other", "--authorise", "k")
    assert not (here / "other").exists()
    assert CurveGuard(here / "k").role(read_pair("alice.key_secret").public.decode()) == "full"


@pytest.mark.parametrize("name", ["../x", "a b", "", ".x", "a/b", "x" * 101])
def test_a_bad_name_is_an_error(name: str, here: Path) -> None:
    """It becomes the name of a file."""
    with pytest.raises(ConfigError, match="letters"):
        run("client", name)
    with pytest.raises(ConfigError, match="letters"):
        run("user", name, "--password", "x")
    assert [path.name for path in here.iterdir()] == []


def test_a_user_is_added_and_changed(here: Path) -> None:
    """The password is asked for twice and not shown."""
    said = run("user", "alice", "--users", "u", typed="word\nword\n")
    run("user", "bob", "--users", "u", "--read-only", "--password", "w")
    run("user", "alice", "--users", "u", "--password", "another")
    people, broken = read_users(here / "u")
    assert broken == []
    assert {name: role for name, (role, _) in people.items()} == {"alice": "full", "bob": "read-only"}
    assert check_password(b"another", people["alice"][1])
    assert not check_password(b"word", people["alice"][1])
    assert "word" not in said.output.replace("Password", "").replace("--users", "")
    assert run("user", "carl", typed="one\ntwo\n").exit_code != 0


@pytest.mark.parametrize(
    "line",
    [
        "alice",
        "alice full",
        "alice full word",
        "alice admin scrypt$2$8$1$AAAA$" + "A" * 43 + "=",
        "alice full scrypt$3$8$1$AAAA$" + "A" * 43 + "=",
        "alice full scrypt$1073741824$8$1$AAAA$" + "A" * 43 + "=",
        "alice full scrypt$2$8$1$AAAA$AAAA",
        "alice full scrypt$2$8$1$\x00$AAAA",
    ],
)
def test_a_broken_line_of_users_is_named(line: str, here: Path) -> None:
    """A server does not start with a user who cannot come in."""
    (here / "u").write_text("# people\n\n" + line + "\n")
    with pytest.raises(ConfigError, match="'u', line 3"):
        PlainGuard("u")


def test_a_hash_knows_its_password_and_no_other() -> None:
    """Two hashes of one password differ."""
    line = hash_password("word")
    assert is_hash(line)
    assert line != hash_password("word")
    assert check_password(b"word", line)
    assert not check_password(b"Word", line)
    assert not is_hash("word")


def test_keys_that_are_none_are_named(here: Path) -> None:
    """With the file that was meant."""
    run("client", "alice")
    (here / "alice.key").chmod(0o600)
    with pytest.raises(ConfigError, match="no secret key in it"):
        read_pair("alice.key")
    with pytest.raises(ConfigError, match="neither a public key"):
        read_public("nothing")
    with pytest.raises(ConfigError, match="actorsched keygen"):
        read_pair("nothing")
    (here / "empty").write_bytes(b"\xff" * 100)
    with pytest.raises(ConfigError, match="no public key in it"):
        read_public("empty")
    with pytest.raises(ConfigError, match="made by actorsched keygen server"):
        run("client", "bob", "--authorise", "nowhere")
    assert read_public(read_public(here / "alice.key").decode()) == read_public(here / "alice.key")
    assert "secret" not in repr(read_pair("alice.key_secret"))
