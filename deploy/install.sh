#!/usr/bin/env bash
# Installs this release on a Debian 12 or Ubuntu 24.04 server, or finds nothing to do.
#
#   sudo deploy/install.sh                    asks what it cannot know
#   sudo deploy/install.sh --answers FILE     asks nothing: FILE holds NAME=value lines, see
#                                             deploy/answers.template
#   sudo deploy/install.sh --check            stops before anything is changed
set -euo pipefail
SOURCE=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
# shellcheck source=deploy/lib.sh
. "$SOURCE/deploy/lib.sh"
# shellcheck source=deploy/answers.sh
. "$SOURCE/deploy/answers.sh"
VERSION=$(version_of "$SOURCE")
CHECK_ONLY=''

main() {
  read_arguments "$@"
  step "What is here (no impact yet)"
  check_host
  only_once
  if [ -L "$CURRENT" ] && [ "$(basename "$(readlink "$CURRENT")")" != "$VERSION" ]; then
    fail "another release is in use here." "To change to this one: deploy/upgrade.sh. To mend that one: $CURRENT/deploy/install.sh"
  fi
  [ -n "$ANSWERS" ] || [ ! -s "$KEPT_ANSWERS" ] || ANSWERS=$KEPT_ANSWERS
  [ -z "$ANSWERS" ] || read_answers "$ANSWERS"
  ask_what_is_missing
  check_answers
  show_plan
  [ -z "$CHECK_ONLY" ] || exit 0
  trap 'printf "\nInterrupted. Run it again: it goes on from here.\n" >&2; exit 130' INT TERM
  for file in "$SOURCE"/deploy/steps/[0-9][0-9]-*.sh; do
    step "$(sed -n '1s/^# //p' "$file")"
    # shellcheck source=/dev/null
    . "$file"
  done
  finish
}

read_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --answers) ANSWERS=${2:-}; [ -r "$ANSWERS" ] || fail "the file of answers cannot be read."; shift 2 ;;
      --check) CHECK_ONLY=yes; shift ;;
      --help | -h) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
      *) fail "unknown option: ${1%%=*}" "See: $0 --help" ;;
    esac
  done
}

check_host() {
  need_root
  [ -d /run/systemd/system ] || fail "systemd does not run here."
  command -v apt-get >/dev/null || fail "there is no apt-get." "Debian 12 or Ubuntu 24.04 is what this was made for."
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    || fail "python3 is missing or older than 3.11." "Debian 12 and Ubuntu 24.04 have it: apt-get install python3"
  local free memory
  free=$(df --output=avail -m / | tail -n 1)
  [ "$free" -ge 2048 ] || fail "there are only $free MB free on /." "2048 MB are needed."
  memory=$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
  [ "$memory" -ge 900 ] || fail "there are only $memory MB of memory." "1 GB is the least, 2 GB are better."
  say "   $(sed -n 's/^PRETTY_NAME="\(.*\)"$/\1/p' /etc/os-release), $(python3 --version), $free MB free, $memory MB of memory"
  say "   release $VERSION$([ ! -L "$CURRENT" ] || printf ', installed: %s' "$(basename "$(readlink "$CURRENT")")")"
}

show_plan() {
  say "   https://$DOMAIN, certificate: $CERTIFICATE, database: $DATABASE, backups: $BACKUP_REPOSITORY"
  say "   fail2ban: $FAIL2BAN, firewall: $FIREWALL, first administrator: $ADMIN_EMAIL"
  if [ -n "$CHECK_ONLY" ]; then
    say "   Everything is as it must be. Nothing was changed."
  elif [ -z "$ANSWERS" ] && [ -t 0 ]; then
    read -r -p "   Go on? From here on the server is changed. [y/N]: " answer
    [[ ${answer,,} =~ ^y(es)?$ ]] || fail "as you wished. Nothing was changed."
  fi
}

finish() {
  if [ "$CHANGES" -eq 0 ]; then
    printf '\nNothing had to change.\n'
  else
    printf '\nDone: %d changes.\n' "$CHANGES"
  fi
}

main "$@"
