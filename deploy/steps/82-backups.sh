# The backup repository, where it is a folder of this host.
# shellcheck shell=bash
repository=$(sed -n 's/^RESTIC_REPOSITORY=//p' "$CONFIG/backup.env" | tail -n 1)
if [[ $repository != /* ]]; then
  say "   Backups go to another place: see to its access in $CONFIG/backup.env, then run: medical-ai backup init"
elif [ ! -e "$repository/config" ]; then
  said=$("$COMMAND" backup init 2>&1) || fail "the backup repository could not be made." "$said"
  changed "$repository"
fi
