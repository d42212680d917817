# The backup repository, where it is a folder of this host or mounted on it.
# shellcheck shell=bash
repository=$(sed -n 's/^RESTIC_REPOSITORY=//p' "$CONFIG/backup.env" | tail -n 1)
if [[ $repository != /* ]]; then
  say "   Backups go to another place: see to its access in $CONFIG/backup.env, then run: medical-ai backup init"
elif [ ! -e "$repository/config" ]; then
  [ -d "$repository" ] || folder "$repository" 0700 "$SERVICE_USER:$SERVICE_USER"
  # Cut off in the middle, it has a key and nothing that this key opens; restic would take that for
  # damage for ever. Where there is anything else, hands off.
  if [ -d "$repository/keys" ] && [ -z "$(find "$repository/data" "$repository/snapshots" "$repository/index" -type f -print -quit 2>/dev/null)" ]; then
    find "$repository/keys" -type f -delete
  fi
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
