# A first backup, and the proof that it restores: from here on /health says how old both are.
# shellcheck shell=bash
if [[ $(ask_web /health) == *'"last_backup_at": null'* ]]; then
  if [ -n "$(sed -n 's/^RESTIC_REPOSITORY=\//\//p' "$CONFIG/backup.env")" ]; then
    for job in backup restore-check; do
      systemctl start "medical-ai-$job.service" || fail "the first $job failed." "See: journalctl -u medical-ai-$job -n 30"
      changed "first $job"
    done
  else
    say "   Once the other place is reached: systemctl start medical-ai-backup medical-ai-restore-check"
  fi
fi
