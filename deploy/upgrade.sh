#!/usr/bin/env bash
# Upgrades this host to the release that this script belongs to, without a failed request, and goes
# back by itself when the new one does not prove itself.
#
#   sudo deploy/upgrade.sh             checks, backup, tables, switch, verification
#   sudo deploy/upgrade.sh --partial   without backup and tables, for a release that leaves them alone
#   sudo deploy/upgrade.sh --dry-run   checks, and says what would be done
#
# Tables are only added to, so the release before runs on with them: deploy/rollback.sh goes back.
set -euo pipefail
SOURCE=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
# shellcheck source=deploy/lib.sh
. "$SOURCE/deploy/lib.sh"
# shellcheck source=deploy/answers.sh
. "$SOURCE/deploy/answers.sh"
NEW=$(version_of "$SOURCE")
KEPT_RELEASES=3
MODE=full

main() {
  case ${1:-} in
    '') ;;
    --partial) MODE=partial ;;
    --dry-run) MODE=dry-run ;;
    --help | -h) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "unknown option." "See: $0 --help" ;;
  esac
  step "Checks (no impact yet)"
  check
  if [ "$MODE" = dry-run ]; then plan; exit 0; fi
  # shellcheck disable=SC2034  # for the steps
  VERSION=$NEW
  for file in 10-packages 20-user 30-release 40-settings; do
    # shellcheck source=/dev/null
    . "$SOURCE/deploy/steps/$file.sh"
  done
  if [ "$MODE" = full ]; then back_up; change_tables; fi
  step "Trial of release $NEW beside $OLD"
  if ! try_out "$NEW"; then
    rm -rf "${RELEASES:?}/$NEW"
    fail "release $NEW does not start; release $OLD goes on." "See: journalctl -u medical-ai-trial -n 40"
  fi
  say "   it starts, and reaches the database"
  switch
  bring_server_settings
  step "Verification"
  say "   release $NEW is in use and healthy. Back: $CURRENT/deploy/rollback.sh $OLD"
  remove_old_releases
}

check() {
  need_root
  only_once
  [ -L "$CURRENT" ] || fail "nothing is installed here." "Install it: $SOURCE/deploy/install.sh"
  OLD=$(basename "$(readlink "$CURRENT")")
  [ -s "$KEPT_ANSWERS" ] || fail "$KEPT_ANSWERS is missing." "Run deploy/install.sh of release $OLD once."
  ANSWERS=$KEPT_ANSWERS
  read_answers "$ANSWERS"
  ask_what_is_missing
  if [ "$OLD" = "$NEW" ]; then
    if verify_release "$NEW" >/dev/null && ! owed units && ! owed nginx; then
      bring_server_settings
      say "   release $NEW is in use already. Nothing to do."
      exit 0
    fi
    OLD=$(previous_release)  # a run before was cut off in its switch
    : "${OLD:=$NEW}"
  fi
  [ "$(printf '%s\n' "$OLD" "$NEW" | sort -V | tail -n 1)" = "$NEW" ] \
    || fail "release $NEW is older than $OLD." "To go back: deploy/rollback.sh $NEW"
  health 10 >/dev/null || fail "release $OLD does not answer." "Mend it first: medical-ai doctor"
  check_rights "$CURRENT"
  local free
  free=$(df --output=avail -m "$BASE" | tail -n 1)
  [ "$free" -ge 1024 ] || fail "there are only $free MB free on $BASE." "1024 MB are needed."
  if [ "$MODE" = partial ] && [ "$(schema_of "$SOURCE")" != "$(schema_of "$CURRENT")" ]; then
    fail "release $NEW changes the tables." "Run it without --partial."
  fi
  say "   from $OLD to $NEW; tables from $(schema_of "$CURRENT") to $(schema_of "$SOURCE"); $free MB free"
}

plan() {
  say "   would install $RELEASES/$NEW beside $OLD, back up, change the tables, restart web and worker,"
  say "   and go back to $OLD unless $NEW is healthy within a minute. Nothing was changed."
}

back_up() {
  step "Backup"
  systemctl start medical-ai-backup.service \
    || fail "the backup failed, so nothing was changed." "See: journalctl -u medical-ai-backup -n 30"
  say "   done"
}

change_tables() {
  step "Tables (release $OLD goes on meanwhile)"
  local said
  said=$(migrate "$RELEASES/$NEW") || fail "the tables could not be changed; release $OLD goes on." "$said"
  say "   $(tail -n 1 <<<"$said")"
  check_rights "$RELEASES/$NEW" --grant
}

switch() {
  step "Switch"
  trap '' HUP  # a connection that breaks must not leave it half done
  local before
  before=$(previous_release)
  remember_previous "$OLD"
  if ! try_release "$NEW"; then
    say "   release $NEW did not prove itself: going back to $OLD"
    remember_previous "$before"
    try_release "$OLD" || fail "release $OLD is not healthy either." "See: medical-ai doctor"
    fail "release $OLD is in use again, and healthy." "What was wrong: journalctl -u medical-ai -u medical-ai-worker -n 60"
  fi
}

# What MariaDB can change while it runs, it changes; it is never restarted here. Left alone is what
# differed before: somebody has set it by hand.
bring_server_settings() {
  local file=/etc/mysql/mariadb.conf.d/80-medical-ai.cnf before after statement
  if [ "$DATABASE" != local ] || cmp -s "$SOURCE/deploy/mariadb/medical-ai.cnf" "$file"; then return; fi
  step "Settings of MariaDB"
  before=$("$COMMAND" config database) || return 0  # it says why, and the next run tries again
  place "$SOURCE/deploy/mariadb/medical-ai.cnf" "$file"
  after=$("$COMMAND" config database) || return 0
  while read -r statement; do
    if grep -qF "${statement%% = *} = " <<<"$before"; then continue; fi
    if [ -n "$statement" ] && mariadb --batch <<<"$statement" 2>/dev/null; then say "   $statement"; fi
  done <<<"$after"
  after=$("$COMMAND" config database | sed 's/SET GLOBAL \(.*\);/\1/' | paste -sd,) || return 0
  [ -z "$after" ] || say "   After its next restart, at a time of yours (systemctl restart mariadb.service): ${after//,/, }"
}

remove_old_releases() {
  find "$RELEASES" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort -Vr | tail -n +$((KEPT_RELEASES + 1)) \
    | while read -r version; do
      [ "$version" = "$OLD" ] || [ "$version" = "$NEW" ] || rm -rf "${RELEASES:?}/$version"
    done
}

main "$@"
