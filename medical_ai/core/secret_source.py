"""Settings out of files: one for each secret, as systemd and containers hand them over."""

import os
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

HELD: dict[str, str] = {}
"""What was read before the process gave up its right to read it; see `config.hold_secrets`."""


class SettingsError(Exception):
    """The configuration is unusable. The message names the variable and never its value."""


class NamedFileSource(PydanticBaseSettingsSource):
    """Values from files: `JWT_SECRET_FILE=/run/secrets/jwt` sets `jwt_secret`.

    `SECRETS_PREFIX=/run/secrets/` looks for `/run/secrets/jwt_secret` and its like as well, as
    `LoadCredential=` of a folder leaves them; what is not there is not set. A file that cannot be
    read is an error, never an empty secret.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the hook's signature
        """Return the content of the file that `<NAME>_FILE` names, without its last newline."""
        if field_name in HELD:
            return HELD[field_name], field_name, False
        path = find_secret_file(field_name)
        if path is None:
            return None, field_name, False
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            variable = f"{field_name.upper()}_FILE"
            raise SettingsError(f"{variable} names a file that cannot be read") from error

    def __call__(self) -> dict[str, Any]:
        """Collect the fields that a file provides."""
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


def find_secret_file(field_name: str) -> Path | None:
    """Return the file that holds a setting: the one its `NAME_FILE` names, or among the secrets."""
    if named := os.environ.get(f"{field_name.upper()}_FILE"):
        return Path(named)
    prefix = os.environ.get("SECRETS_PREFIX", "")
    found = Path(f"{prefix}{field_name}")
    return found if prefix and found.exists() else None
