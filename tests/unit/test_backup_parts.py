"""The pure parts of backups: reading dumps, adding up keys, options, and what is late."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from medical_ai.ops.backups.errors import DumpFailed, NotConfigured, ProofFailed
from medical_ai.ops.backups.installation import load_installation
from medical_ai.ops.backups.manifest import Keys, Manifest, TableSum
from medical_ai.ops.backups.options import BackupOptions, load_options
from medical_ai.ops.backups.sql_dump import DumpReader
from tests.support.settings import SECRETS

ONE, TWO = "01a2108b-8ef4-745e-ba6e-b0d9179a99e3", "01a2108b-8f1a-7228-a952-9d6f52b1049e"
PLAIN_ONE, PLAIN_TWO = ONE.replace("-", ""), TWO.replace("-", "")
DUMP = f"""-- MariaDB dump
CREATE TABLE `alembic_version` (
  `version_num` varchar(32) NOT NULL,
  PRIMARY KEY (`version_num`)
) ENGINE=InnoDB;
INSERT INTO `alembic_version` VALUES
('0012');
CREATE TABLE `patients` (
  `id` uuid NOT NULL,
  `code` varchar(9) NOT NULL,
  `data_key_sealed` tinyblob DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
INSERT INTO `patients` VALUES
('{ONE}','a,\\'0x(',0x0154D6),
('{TWO}',')''\\\\',NULL);
CREATE TABLE `users` (
  `id` uuid NOT NULL,
  `deleted_at` datetime(6) DEFAULT NULL
) ENGINE=InnoDB;
INSERT INTO `users` VALUES
('{ONE}',NULL),
('{TWO}','2026-11-25 02:31:51.281543');
-- Dump completed
"""  # noqa: S608 - a dump that nothing executes


def read(dump: str) -> tuple[DumpReader, str]:
    """Read a dump; return the reader and what it would have written."""
    reader = DumpReader()
    kept = b"".join(map(reader.take, dump.encode().splitlines(keepends=True)))
    return reader, kept.decode()


def test_keys_are_taken_out_and_everything_else_goes_through() -> None:
    reader, kept = read(DUMP)
    assert kept == DUMP.replace("0x0154D6", "NULL")
    contents = reader.contents()
    assert contents.keys.patients == {PLAIN_ONE: bytes.fromhex("0154d6"), PLAIN_TWO: None}
    assert contents.keys.deleted == {PLAIN_TWO}
    assert contents.schema_version == "0012"
    assert {name: one.rows for name, one in contents.tables.items()} == {
        "alembic_version": 1, "patients": 2, "users": 2,
    }  # fmt: skip


def test_the_sum_of_a_table_is_that_of_its_rows_without_the_keys() -> None:
    sums = [read(DUMP.replace("0x0154D6", key))[0].contents().tables for key in ("0xAA", "NULL")]
    assert sums[0] == sums[1]
    other = read(DUMP.replace("'a,", "'b,"))[0].contents().tables
    assert [name for name in other if other[name] != sums[0][name]] == ["patients"]


@pytest.fixture
def etc(backup_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of settings and secrets as they lie on a host."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, value in SECRETS.items():
        (secrets / name).write_text(value)
    (secrets / "migration_database_url").write_text("sqlite:////of-this-machine.db")
    monkeypatch.setenv("SECRETS_PREFIX", f"{secrets}/")
    return tmp_path


def test_the_owner_of_this_machines_database_is_not_kept(etc: Path) -> None:
    here = load_installation()
    assert set(here.kept_files) == {"backup.env", *(f"secrets/{name}" for name in SECRETS)}
    assert here.settings.as_owner().sqlalchemy_url == "sqlite:////of-this-machine.db"


def test_keys_that_left_the_ring_are_kept(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    former = etc / "former"
    monkeypatch.setenv("FORMER_KEYS_FILE", str(former))
    for written, kept in (("\n", None), ("made up\n", b"made up\n")):
        former.write_text(written)
        assert load_installation().kept_files.get("encryption-keys-former") == kept


def test_an_empty_url_of_an_owner_names_none(etc: Path) -> None:
    (etc / "secrets/migration_database_url").write_text("\n")
    settings = load_installation().settings
    assert settings.as_owner().sqlalchemy_url == settings.sqlalchemy_url


@pytest.mark.parametrize("length", range(0, len(DUMP) - 20, 37))
def test_a_dump_that_was_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(DumpFailed):
        read(DUMP[:length])[0].contents()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("` VALUES\n(", "` VALUES ("),  # rows on the line of the statement
        ("INSERT INTO `patients` VALUES", "INSERT INTO `patients` (`id`) VALUES"),
        ("INSERT INTO `patients`", "REPLACE INTO `patients`"),
        ("INSERT INTO `patients` VALUES\n", ""),
        (f"('{TWO}',')", f"('{TWO}',1,')"),  # a value more than there are columns
    ],
)
def test_a_dump_of_another_form_is_refused_because_a_key_could_hide_in_it(
    old: str, new: str
) -> None:
    assert old in DUMP
    with pytest.raises(DumpFailed, match=r"form|cut off"):
        read(DUMP.replace(old, new))


def test_a_key_destroyed_later_stays_destroyed_and_one_sealed_anew_is_the_newer() -> None:
    then = Keys({"a": b"1", "b": b"2", "c": b"3"}, {"x"})
    now = Keys({"a": None, "b": b"9", "d": b"4"}, {"y"})
    assert then.after(now) == Keys({"a": None, "b": b"9", "c": b"3", "d": b"4"}, {"x", "y"})


def test_keys_are_read_as_they_were_written(tmp_path: Path) -> None:
    keys = Keys({"aa": b"\x00\xff", "bb": None}, {"cc"})
    keys.write(tmp_path)
    assert Keys.read(tmp_path) == keys
    (tmp_path / "keys.tsv").write_text("patient\tonly two\n")
    with pytest.raises(ProofFailed):
        Keys.read(tmp_path)


@pytest.mark.parametrize("change", [{"rows": 2}, {"sha256": "f" * 64}, None])
def test_the_first_table_that_differs_is_named(change: dict[str, object] | None) -> None:
    one = TableSum(rows=1, sha256="0" * 64)
    manifest = Manifest(
        backup_id="x",
        made_at=datetime(2026, 11, 25, tzinfo=UTC),
        kind="sqlite",
        release="1",
        schema_version="0012",
        tables={"doses": one, "users": one},
    )
    manifest.compare({"doses": one, "users": one})
    found = {"doses": one.model_copy(update=change)} if change else {}
    with pytest.raises(ProofFailed, match="Table doses is not as it was backed up"):
        manifest.compare(found | {"users": one})


@pytest.fixture
def backup_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that options are read from."""
    path = tmp_path / "backup.env"
    (tmp_path / "password").write_text("secret of the repository\n")
    path.write_text(
        f"RESTIC_REPOSITORY=s3:https://store.example/bucket\n"
        f"RESTIC_PASSWORD_FILE={tmp_path / 'password'}\n"
        f"AWS_ACCESS_KEY_ID=made-up\nSECRET_KEY=not for restic\n"
    )
    monkeypatch.setenv("BACKUP_ENV_FILE", str(path))
    return path


def test_restic_gets_its_own_variables_and_none_of_the_applications(
    backup_env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", "not for restic either")
    options = load_options()
    given = options.environment()
    assert given["RESTIC_REPOSITORY"] == "s3:https://store.example/bucket"
    assert given["AWS_ACCESS_KEY_ID"] == "made-up"
    assert (
        given["RESTIC_PASSWORD"] == "secret of the repository"  # pragma: allowlist secret - made up
    )  # pragma: allowlist secret - made up
    assert "RESTIC_PASSWORD_FILE" not in given
    assert not [value for value in given.values() if "not for restic" in value]
    assert (options.backup_keep_daily, options.backup_key_days) == (7, 7)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("RESTIC_REPOSITORY", "OTHER", "No backup is configured"),
        ("RESTIC_PASSWORD_FILE", "OTHER", "RESTIC_PASSWORD_FILE is missing"),
        ("/password\n", "/nowhere\n", "cannot be read"),
        ("AWS_ACCESS_KEY_ID=made-up", "BACKUP_KEY_DAYS=secret-0", "BACKUP_KEY_DAYS"),
    ],
)
def test_what_does_not_fit_is_named_and_never_repeated(
    backup_env: Path, old: str, new: str, words: str
) -> None:
    backup_env.write_text(backup_env.read_text().replace(old, new))
    with pytest.raises(NotConfigured, match=words) as caught:
        load_options()
    assert "secret-0" not in str(caught.value)
    assert str(backup_env.parent) not in str(caught.value)


def test_an_empty_password_is_none(backup_env: Path) -> None:
    (backup_env.parent / "password").write_text("\n")
    with pytest.raises(NotConfigured, match="empty"):
        load_options()


def test_the_template_of_backup_env_names_every_option() -> None:
    template = Path(__file__).parents[2] / "deploy" / "backup.env.template"
    lines = template.read_text(encoding="utf-8").splitlines()
    names = {line.lstrip("# ").partition("=")[0] for line in lines if "=" in line}
    assert {name.upper() for name in BackupOptions.model_fields} <= names
    values = dict(line.split("=", 1) for line in lines if line.startswith("BACKUP_"))
    defaults = {name: BackupOptions.model_fields[name.lower()].default for name in values}
    assert values == {name: str(value) for name, value in defaults.items()}
    assert os.access(template, os.R_OK)
