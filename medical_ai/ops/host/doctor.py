"""All checks of the host, in the order in which somebody looks for what is wrong."""

from medical_ai.ops.host.checks import (
    backups,
    certificate,
    database,
    disk,
    secrets,
    service,
    system,
)
from medical_ai.ops.host.checks.registry import Check

DATABASE = Check("database", database.check_reachable, as_service=True)
SCHEMA = Check("schema", database.check_schema, as_service=True)
WORKER = Check("worker", service.check_worker, as_service=True)
AUDIT = Check("audit", service.check_audit, as_service=True)
DISK = Check("disk", disk.check_disk)
CERTIFICATE = Check("certificate", certificate.check_certificate)
UNITS = Check("units", system.check_units)
TIMERS = Check("timers", system.check_timers)
BACKUP = Check("backup", backups.check_backup, as_service=True)
RESTORE_PROOF = Check("restore proof", backups.check_restore_proof, as_service=True)

CHECKS = (
    UNITS,
    DATABASE,
    Check("database rights", database.check_rights, as_service=True),
    Check("database settings", database.check_server_settings, as_service=True),
    SCHEMA,
    Check("database clock", database.check_skew, as_service=True),
    WORKER,
    Check("outbox", service.check_outbox, as_service=True),
    AUDIT,
    DISK,
    Check("load", system.check_load),
    CERTIFICATE,
    Check("certificate served", certificate.check_served),
    Check("nginx", system.check_nginx),
    Check("ports", system.check_ports),
    TIMERS,
    BACKUP,
    RESTORE_PROOF,
    Check("clock", system.check_clock),
    Check("time zones", system.check_zones),
    Check("secrets", secrets.check_secrets),
    Check("key ring", secrets.check_key_ring, as_service=True),
    Check("files", secrets.check_files),
    Check("mail", service.check_mail, as_service=True),
    Check("identity provider", service.check_provider, as_service=True),
)
