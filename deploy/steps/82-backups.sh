# The backup repository, where it is a folder of this host or mounted on it.
# shellcheck shell=bash
repository=$(sed -n 's/^RESTIC_REPOSITORY=//p' "$CONFIG/backup.env" | tail -n 1)
if [[ $repository != /* ]]; then
  say "   Backups go to another place: see to its access in $CONFIG/backup.env, then run: medical-ai backup init"
elif [ ! -e "$repository/config" ]; then
  [ -d "$repository" ] || folder "$repository" 0700 "$SERVICE_USER:$SERVICE_USER"
  said=$("$COMMAND" backup init 2>&1) || fail "the backup repository could not be made." "$said"
  changed "$repository"
fi
# Everything but the usual place is read-only for the units that back up.
for unit in medical-ai-backup medical-ai-restore-check; do
  drop_in=/etc/systemd/system/$unit.service.d/repository.conf
  if [[ $repository == /* && $repository != /var/backups/medical-ai ]]; then
    OWES=units place_text "$drop_in" 0644 root:root <<<"[Service]
ReadWritePaths=-$repository"
  elif [ -e "$drop_in" ]; then
    rm "$drop_in"
    owe units
  fi
done
if owed units; then systemctl daemon-reload; settled units; fi
