"""The commands of `medical-ai` that need no application: one line of help each."""

import click

from medical_ai.ops.host.commands.cert_check import cert_check
from medical_ai.ops.host.commands.config import config
from medical_ai.ops.host.commands.doctor import doctor
from medical_ai.ops.host.commands.maintenance import maintenance
from medical_ai.ops.host.commands.migrate import migrate
from medical_ai.ops.host.commands.rights import rights
from medical_ai.ops.host.commands.rotate import rotate_keys, rotate_secrets
from medical_ai.ops.host.commands.status import status
from medical_ai.ops.host.commands.verify import verify

COMMANDS: tuple[click.Command, ...] = (
    cert_check,
    config,
    doctor,
    maintenance,
    migrate,
    rights,
    rotate_keys,
    rotate_secrets,
    status,
    verify,
)
