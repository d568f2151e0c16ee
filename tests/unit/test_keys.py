"""The keys of an installation, as files and as what each Secret of a cluster holds."""

from pathlib import Path

from functions.core.seal import new_signing_key, public_of, sealing_public_of
from mcp_service.keys import KEY_FILES, KEY_SECRETS, completed, make_keys


def test_keys_are_made_once(tmp_path: Path) -> None:
    assert sorted(make_keys(tmp_path)) == sorted(KEY_FILES)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert make_keys(tmp_path) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_key_file_that_a_crash_left_empty_is_made_again(tmp_path: Path) -> None:
    make_keys(tmp_path)
    (tmp_path / "poll.key").write_text("")
    assert make_keys(tmp_path) == ["poll.key", "poll.pub"]


def test_the_public_half_follows_a_key_that_was_put_above_the_old_one(tmp_path: Path) -> None:
    make_keys(tmp_path)
    old = (tmp_path / "spec.key").read_text()
    (tmp_path / "spec.key").write_text(f"{new_signing_key()}\n{old}")
    assert make_keys(tmp_path) == ["spec.pub"]
    assert (tmp_path / "spec.pub").read_text().count("\n") == 2


def test_public_halves_follow_from_the_private_ones() -> None:
    files = completed({})
    again = completed(files | {"spec.pub": "stale", "poll.pub": "stale"})
    assert again == files
    assert files["spec.pub"] == public_of(files["spec.key"])
    assert files["poll.pub"] == sealing_public_of(files["poll.key"])


def test_no_secret_of_a_cluster_holds_a_key_that_another_role_opens_with() -> None:
    for name, files in KEY_SECRETS.items():
        private = {file for file in files if file.endswith(".key")} - {"events.key"}
        own = {"service-keys": "spec.key"}.get(name, f"{name.removesuffix('-keys')}.key")
        assert private <= {own}
