# A first backup, and the proof that it restores: from here on /health says how old both are.
# shellcheck shell=bash
first() { # first UNIT NAME: start UNIT unless /health knows when NAME was
  [[ $(ask_web /health) == *"\"$2\": null"* ]] || return 0
  systemctl start "$1.service" || fail "the first run of $1 failed." "See: journalctl -u $1 -n 30"
  changed "first run of $1"
}

if grep -q '^RESTIC_REPOSITORY=/' "$CONFIG/backup.env"; then
  first medical-ai-backup last_backup_at
  if [ -s "$OWNER_URL" ]; then
    first medical-ai-restore-check last_restore_proof_at
  else
    say "   No proof that it restores: that needs the URL of who may make a database, in $OWNER_URL"
  fi
else
  say "   Once the other place can be reached: systemctl start medical-ai-backup medical-ai-restore-check"
fi
