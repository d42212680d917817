"""The commands of `medical-ai` that need no application: one line of help each."""

import click

from medical_ai.ops.host.commands.config import config
from medical_ai.ops.host.commands.doctor import doctor
from medical_ai.ops.host.commands.maintenance import maintenance

COMMANDS: tuple[click.Command, ...] = (config, doctor, maintenance)
