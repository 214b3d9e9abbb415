"""DVC's configuration is read as DVC reads it, and the committed part of it is not trusted."""

import os
from pathlib import Path
from typing import Any

import pytest

from neurogister.backends.dvcconfig import DVCConfig, read_config
from neurogister.backends.dvcinit import CONFIG, dvc_files
from neurogister.backends.dvctrust import judge_config
from neurogister.errors import InvalidFileError, NotFoundError, RefusedError
from neurogister.model.remote import RemoteConfig, public_address


class Files:
    """The configuration files of a computer, a user and a checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "registry"
        self.levels = {
            "system": folder / "system" / "config",
            "global": folder / "global" / "config",
            "local": self.root / ".dvc" / "config.local",
        }
        for path in self.levels.values():
            path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, level: str, text: str) -> None:
        self.levels[level].write_text(text, encoding="utf-8")

    def read(self, committed: str = "", *, checkout: bool = True) -> DVCConfig:
        return read_config(committed.encode(), root=self.root if checkout else None)

    def read_remote(self, committed: str, **options: Any) -> RemoteConfig:
        (remote,) = self.read(committed, **options).remotes.values()
        return remote


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    files = Files(tmp_path)
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "system"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return files


def remote(*lines: str, name: str = "lab") -> str:
    return "\n".join([f"['remote \"{name}\"']", *(f"    {line}" for line in lines), ""])


class TestReading:
    def test_nothing_at_all(self, files):
        config = read_config(None, root=None)

        assert config == DVCConfig(default_remote=None, remotes={})
        assert config.cache_types == ("reflink", "copy")

    def test_a_usual_file(self, files):
        config = files.read(
            "[core]\n    remote = Lab\n    autostage = true\n    analytics = false\n"
            + remote("url = s3://bucket/data", "endpointurl = https://s3.example.org", "jobs = 4")
        )

        assert config.default_remote == "lab"
        lab = config.remote()
        assert (lab.name, lab.url, lab.scheme) == ("lab", "s3://bucket/data", "s3")
        assert lab.options == {"endpointurl": "https://s3.example.org", "jobs": 4}
        assert lab.origin == ".dvc/config"
        assert lab.committed == {"url", "endpointurl", "jobs"}
        assert lab.problem is None
        assert config.notes == ()

    def test_names_and_keys_know_no_case(self, files):
        config = files.read(
            "[Core]\nRemote = LAB\n['Remote \"Lab\"']\nURL = https://example.org/Data\n"
        )

        assert config.remote("LaB").url == "https://example.org/Data"

    def test_values_have_their_types(self, files):
        lab = files.read_remote(
            remote(
                "url = https://example.org",
                "jobs = 8",
                "verify = True",
                "ssl_verify = true",
                "read_timeout = 2.5",
                'user = "a, b"',
            )
        )

        assert lab.options == {
            "jobs": 8,
            "verify": True,
            "ssl_verify": True,
            "read_timeout": 2.5,
            "user": "a, b",
        }
        assert lab.number("jobs") == 8
        assert lab.number("verify") is None
        assert lab.flag("verify")
        assert lab.text("user") == "a, b"
        assert lab.text("password") is None

    def test_each_file_shadows_the_one_before(self, files):
        files.write("system", "[core]\nremote = a\n" + remote("url = s3://a", "region = a"))
        files.write("global", "[core]\nremote = b\n" + remote("region = b", "jobs = 1"))
        files.write("local", remote("jobs = 3", "password = secret"))

        config = files.read("[core]\nremote = c\n" + remote("region = c", "jobs = 2"))

        assert config.default_remote == "c"
        assert config.remotes["lab"].options == {"region": "c", "jobs": 3, "password": "secret"}
        assert config.remotes["lab"].committed == {"region"}

    def test_without_a_checkout_there_is_no_local_file(self, files):
        files.write("local", remote("password = secret"))
        files.write("global", remote("user = me"))

        lab = files.read_remote(remote("url = https://example.org"), checkout=False)

        assert lab.options == {"user": "me"}

    def test_the_cache(self, files):
        files.write("local", "[cache]\ndir = ../../shared cache\ntype = hardlink,symlink\n")

        config = files.read("[cache]\nshared = group\nverify = true\ntype = copy\n")

        assert config.cache_dir == files.folder / "shared cache"
        assert config.cache_types == ("hardlink", "symlink")
        assert config.shared_group
        assert config.verify

    def test_unknown_remote_names_those_there_are(self, files):
        config = files.read(remote("url = s3://a"))

        with pytest.raises(NotFoundError, match="'other'") as caught:
            config.remote("other")
        assert "lab" in str(caught.value.hint)
        with pytest.raises(NotFoundError, match="no default remote"):
            config.remote()

    @pytest.mark.parametrize(
        ("committed", "message"),
        [
            ("[core\nremote = a\n", r"\.dvc/config is not a DVC configuration"),
            ("[core]\nremote = a\nremote = b\n", r"\.dvc/config is not a DVC configuration"),
            ("[cache]\ntype = teleport\n", r"\.dvc/config, line 2: cache\.type must be some of"),
            ("[cache]\nshared = all\n", r"cache\.shared must be 'group'"),
            ("[cache]\nverify = 1\n", r"cache\.verify must be true or false"),
            ("[core]\nremote = a, b\n", r"core\.remote has a comma"),
            ("[cache]\ndir = a, b\n", r"cache\.dir has a comma"),
            (remote("url = s3://a", name="a\x1b[31m"), "is not a name of a remote"),
        ],
    )
    def test_what_dvc_could_not_read_either(self, files, committed, message):
        with pytest.raises(InvalidFileError, match=message):
            files.read(committed)

    def test_not_text(self, files):
        with pytest.raises(InvalidFileError, match="not UTF-8"):
            read_config(b"[core]\nremote = \xff\n", root=None)
        with pytest.raises(InvalidFileError, match="larger than"):
            read_config(b"#" * (1 << 21), root=None)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("jobs = many", r"line 3: remote\.lab\.jobs must be a whole number, not 'many'"),
            ("jobs = 0", "must be a whole number"),
            ("verify = yes", "must be true or false"),
            ("read_timeout = soon", "must be a number of seconds"),
            ("region = a, b", "has a comma"),
        ],
    )
    def test_a_bad_option_is_a_problem_of_its_remote_only(self, files, line, message):
        config = files.read(remote("url = s3://a", line) + remote("url = s3://b", name="other"))

        assert isinstance(config.remotes["lab"].problem, InvalidFileError)
        with pytest.raises(InvalidFileError, match=message):
            raise config.remotes["lab"].problem
        assert config.remotes["other"].problem is None

    def test_a_remote_without_url_is_a_problem(self, files):
        problem = files.read_remote(remote("region = a")).problem

        assert problem is not None
        assert "'lab' has no url" in problem.message

    def test_a_strangers_file_cannot_grow(self, files):
        lines = ["user = xxxxxxxxxx"]
        lines += [f"a{n} = {'%(user)s' if n == 0 else f'%(a{n - 1})s' * 50}" for n in range(9)]

        lab = files.read_remote(remote("url = https://example.org", *lines))

        assert lab.options == {"user": "xxxxxxxxxx"}


class TestPlaces:
    @pytest.mark.parametrize("url", ["../remote", "../data/../remote", ".././remote/"])
    def test_a_folder_in_the_registry(self, files, url):
        lab = files.read_remote(remote(f"url = {url}"))

        assert lab.in_tree == "remote"
        assert lab.url == str(files.root / "remote")
        assert lab.scheme == ""

    def test_a_folder_in_a_registry_read_from_git(self, files):
        lab = files.read_remote(remote("url = ../remote"), checkout=False)

        assert (lab.in_tree, lab.url, lab.problem) == ("remote", "remote", None)

    def test_a_folder_beside_the_registry(self, files):
        config = files.read(remote("url = ../../store"))

        assert config.remotes["lab"].url == str(files.folder / "store")
        assert config.remotes["lab"].in_tree is None
        assert config.remotes["lab"].problem is None
        assert "outside the registry" in config.notes[0]

    def test_a_folder_beside_a_registry_read_from_git_is_refused(self, files):
        problem = files.read_remote(remote("url = ../../store"), checkout=False).problem

        assert isinstance(problem, RefusedError)
        assert "line 2" in problem.message

    @pytest.mark.skipif(os.name == "nt", reason="a path of other systems")
    @pytest.mark.parametrize("url", ["/mnt/lab/store", "file:///mnt/lab/store"])
    def test_a_folder_of_the_lab(self, files, url):
        config = files.read(remote(f"url = {url}"), checkout=False)

        assert config.remotes["lab"].url == "/mnt/lab/store"
        assert config.remotes["lab"].scheme == ""
        assert config.remotes["lab"].problem is None
        assert "/mnt/lab/store" in config.notes[0]

    def test_a_folder_in_the_users_own_files(self, files):
        files.write("global", remote("url = ../store") + remote("url = ~/x", name="home"))
        files.write("local", remote("url = cache", name="here"))

        remotes = files.read().remotes

        assert remotes["lab"].url == str(files.folder / "store")
        assert remotes["home"].url == str(files.folder / "home" / "x")
        assert remotes["here"].url == str(files.root / ".dvc" / "cache")
        assert {each.in_tree for each in remotes.values()} == {None}

    def test_somebodys_home_is_not_in_the_committed_file(self, files):
        problem = files.read_remote(remote("url = ~/store")).problem

        assert isinstance(problem, RefusedError)
        assert "dvc remote modify --local lab url ~/store" in str(problem.hint)

    def test_files_of_the_user_are_relative_to_the_file_that_names_them(self, files):
        files.write("local", remote("credentialpath = keys", "configpath = ~/aws"))

        lab = files.read_remote(remote("url = s3://a"))

        assert lab.options == {
            "credentialpath": str(files.root / ".dvc" / "keys"),
            "configpath": str(files.folder / "home" / "aws"),
        }


class TestChains:
    def test_a_part_of_another_remote(self, files):
        files.write("local", remote("password = secret", name="base"))

        remotes = files.read(
            remote("url = https://example.org/all/", "user = a", "auth = basic", name="base")
            + remote("url = remote://Base/part", "user = b")
        ).remotes

        assert remotes["lab"].url == "https://example.org/all/part"
        assert remotes["lab"].options == {"user": "b", "auth": "basic", "password": "secret"}
        assert remotes["lab"].committed == {"url", "user", "auth"}

    def test_a_part_of_a_folder_in_the_registry(self, files):
        lab = files.read(
            remote("url = ../remote", name="base") + remote("url = remote://base/a/b")
        ).remotes["lab"]

        assert lab.in_tree == "remote/a/b"
        assert lab.url == str(files.root / "remote" / "a" / "b")

    def test_a_part_of_a_part(self, files):
        remotes = files.read(
            remote("url = s3://bucket", name="a")
            + remote("url = remote://a/b", name="b")
            + remote("url = remote://b/c", name="c")
        ).remotes

        assert remotes["c"].url == "s3://bucket/b/c"

    @pytest.mark.parametrize(
        ("committed", "message"),
        [
            (remote("url = remote://lab/x"), "itself"),
            (
                remote("url = remote://b/x") + remote("url = remote://lab/x", name="b"),
                "itself",
            ),
            (remote("url = remote://nobody/x"), "'nobody', which there is not"),
            (
                remote("url = remote://b/../../../etc") + remote("url = ../remote", name="b"),
                "outside of it",
            ),
        ],
    )
    def test_a_broken_chain(self, files, committed, message):
        problem = files.read(committed).remotes["lab"].problem

        assert isinstance(problem, InvalidFileError)
        assert message in problem.message

    def test_the_registry_does_not_send_a_users_credentials_elsewhere(self, files):
        files.write("global", remote("url = gs://bucket", "credentialpath = key", name="own"))

        lab = files.read(
            remote("url = remote://own/x", "endpointurl = http://evil.example.org")
        ).remotes["lab"]

        assert isinstance(lab.problem, RefusedError)


class TestTrust:
    @pytest.mark.parametrize(
        ("committed", "key", "why"),
        [
            (
                remote("url = webdavs://a", "bearer_token_command = touch x"),
                "remote.lab.bearer_token_command",
                "runs a program",
            ),
            *(
                (remote("url = s3://a", f"{key} = ../x"), f"remote.lab.{key}", "names a file")
                for key in (
                    "credentialpath",
                    "configpath",
                    "keyfile",
                    "cert_path",
                    "key_path",
                    "gdrive_user_credentials_file",
                    "gdrive_service_account_json_file_path",
                    "kerb_ticket",
                )
            ),
            *(
                (remote("url = s3://a", f"ssl_verify = {value}"), "remote.lab.ssl_verify", "cert")
                for value in ("false", "/etc/ca.pem", "a, b")
            ),
            (remote("url = webhdfs://a", "proxy_to = evil"), "remote.lab.proxy_to", "computer"),
            ("[core]\nsite_cache_dir = /tmp\n", "core.site_cache_dir", "moves"),
            ("[cache]\nlocal = lab\n", "cache.local", "moves the cache"),
            *(
                (f"[cache]\ndir = {path}\n", "cache.dir", "moves the cache out of the registry")
                for path in ("/tmp/c", "../../c", "~/c", "C:/c", r"..\..\c", "../.git/hooks")
            ),
            ("[hydra]\nplugins_path = plugins\n", "hydra.plugins_path", "runs the programs"),
        ],
    )
    def test_what_could_do_harm_is_refused(self, files, committed, key, why):
        with pytest.raises(RefusedError) as caught:
            files.read(committed)

        assert caught.value.message.startswith(".dvc/config, line ")
        assert key in caught.value.message
        assert why in caught.value.message
        assert f"`dvc config --local {key} VALUE`" in str(caught.value.hint)

    def test_the_line_is_the_right_one(self, files):
        committed = (
            "# keyfile = x\n[core]\n    remote = lab\n"
            + remote("url = ssh://a", name="other")
            + remote("url = ssh://a", "", "keyfile = ~/.ssh/id")
        )

        with pytest.raises(RefusedError, match=r"\.dvc/config, line 9 sets remote\.lab\.keyfile"):
            files.read(committed)

    def test_a_registry_without_checkout_must_be_cloned_to_be_trusted(self, files):
        with pytest.raises(RefusedError) as caught:
            files.read(remote("url = ssh://a", "keyfile = x"), checkout=False)

        assert str(caught.value.hint).startswith("Clone the registry")

    def test_what_the_user_says_too_is_trusted_in_the_users_words(self, files):
        files.write("local", remote("keyfile = /own/key", "ssl_verify = false"))

        lab = files.read_remote(
            remote("url = ssh://a", "keyfile = /their/key", "ssl_verify = /their/ca")
        )

        assert lab.text("keyfile") == os.path.abspath("/own/key")
        assert lab.options["ssl_verify"] is False

    def test_a_global_value_does_not_cover_a_committed_one(self, files):
        files.write("global", remote("keyfile = /own/key"))

        with pytest.raises(RefusedError):
            files.read(remote("url = ssh://a", "keyfile = /their/key"))

    def test_the_users_own_files_may_set_anything(self, files):
        files.write(
            "global",
            "[core]\nsite_cache_dir = /tmp\n"
            + remote("bearer_token_command = token", "ssl_verify = ~/ca.pem", "user = %(url)s")
            + "url = webdavs://a",
        )

        lab = files.read_remote("")

        assert lab.text("bearer_token_command") == "token"
        assert lab.text("ssl_verify") == str(files.folder / "home" / "ca.pem")
        assert lab.text("user") == "webdavs://a"

    def test_a_cache_in_the_registry_is_fine(self, files):
        config = files.read("[cache]\ndir = ../cached\n")

        assert config.cache_dir == files.root / "cached"
        assert files.read("[cache]\ndir = ../cached\n", checkout=False).cache_dir is None

    @pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
    def test_a_committed_link_leads_no_cache_out_of_the_registry(self, files):
        (files.root / "cached").symlink_to(files.folder)

        with pytest.raises(RefusedError, match="symbolic link"):
            files.read("[cache]\ndir = ../cached/x\n")

    def test_what_nobody_knows_is_left_out_and_told(self, files):
        config = files.read(
            "[studio]\ntoken = x\n[core]\nfrobnicate = 1\n" + remote("url = s3://a", "colour = red")
        )

        assert config.remotes["lab"].options == {}
        assert config.notes == (
            ".dvc/config: the section 'studio' says nothing to neurogister",
            ".dvc/config: core.frobnicate says nothing to neurogister",
            ".dvc/config: remote.lab.colour says nothing to neurogister",
        )

    @pytest.mark.parametrize(
        ("lines", "key"),
        [
            (["url = s3://a", "secret_access_key = swordfish"], "secret_access_key"),
            (["url = https://me:swordfish@example.org"], "url"),
        ],
    )
    def test_a_secret_in_git_is_used_and_told(self, files, lines, key):
        config = files.read(remote(*lines))

        assert config.remotes["lab"].problem is None
        assert f"remote.lab.{key} is a secret" in config.notes[0]
        assert "swordfish" not in "".join(config.notes)
        assert "swordfish" not in repr(config)

    def test_another_address_does_not_get_the_users_credentials(self, files):
        files.write("global", remote("url = https://own.example.org", "password = secret"))

        config = files.read(remote("url = https://evil.example.org", "user = a"))

        assert config.remotes["lab"].options == {"user": "a"}
        assert "another one than in your own" in config.notes[0]

    def test_another_endpoint_does_not_get_the_users_credentials(self, files):
        files.write("global", remote("url = gs://own", "credentialpath = key"))

        config = files.read(remote("endpointurl = http://evil.example.org"))

        assert config.remotes["lab"].text("endpointurl") is None
        assert config.remotes["lab"].url == "gs://own"

    def test_the_same_address_gets_them(self, files):
        files.write("global", remote("url = https://own.example.org", "password = secret"))

        config = files.read(remote("url = https://own.example.org", "user = a"))

        assert config.remotes["lab"].options == {"user": "a", "password": "secret"}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("https://me:secret@example.org:8443/a?sig=x#y", "https://example.org:8443/a"),
        ("ssh://me@example.org/data", "ssh://example.org/data"),
        ("azure://box@account.blob.core.windows.net/a", None),
        ("azure://me:secret@box/a", "azure://box/a"),
        ("/mnt/a b", "/mnt/a b"),
        ("s3://a/\x1b[31m\u202eb", "s3://a/\\x1b[31m\\u202eb"),
        ("https://[", "https://…"),
        ("https://me:sec/ret@example.org/a", "https://…"),
        ("webdavs://[::1]:80/a", "webdavs://[::1]:80/a"),
    ],
)
def test_an_address_shows_no_secret(url, address):
    assert public_address(url) == (address or url)


def test_judge_config_tells_everything_at_once(tmp_path):
    found = judge_config(
        b"[core]\n    site_cache_dir = /x\n['remote \"a\"']\n    url = https://me:pw@host/x\n"
        b"    bearer_token_command = id\n['remote \"b\"']\n    verify = true\n",
        root=tmp_path,
    )
    text = "\n".join(message for message, _ in found)
    for word in (
        "core.site_cache_dir", "remote.a.url", "bearer_token_command", "'b' has no url",
        "of the remote 'a', plain DVC does not check", "no default remote",
    ):  # fmt: skip
        assert word in text, word
    assert "pw" not in text
    assert len(found) == 6


def test_judge_config_finds_nothing_in_what_init_writes(tmp_path):
    for url in ("../remote", "s3://bucket/place", "https://example.org/a, b#"):
        assert judge_config(dvc_files(url)[CONFIG], root=tmp_path) == []
