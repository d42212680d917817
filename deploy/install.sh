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
VERSION=$(version_of "$SOURCE")

DOMAIN='' CERTIFICATE='' CERTIFICATE_FILE='' CERTIFICATE_KEY_FILE='' ACME_EMAIL='' ACME_SERVER=''
DATABASE='' DATABASE_URL_FILE='' OWNER_URL_FILE='' ADMIN_EMAIL='' HOSPITAL=''
BACKUP_REPOSITORY=/var/backups/medical-ai FAIL2BAN=yes FIREWALL=no
ANSWERS='' CHECK_ONLY=''
declare -A GIVEN=() SECRET_FILES=()

main() {
  read_arguments "$@"
  step "What is here (no impact yet)"
  check_host
  [ -z "$ANSWERS" ] || read_answers
  keep_domain
  ask_what_is_missing
  check_answers
  show_plan
  [ -z "$CHECK_ONLY" ] || exit 0
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
  say "   $(. /etc/os-release && printf '%s' "$PRETTY_NAME"), $(python3 --version), $free MB free, $memory MB of memory"
  say "   release $VERSION$([ ! -L "$CURRENT" ] || printf ', installed: %s' "$(basename "$(readlink "$CURRENT")")")"
}

# Every line is NAME=value: one of ours, or a setting of .env.template, or a setting's NAME_FILE.
read_answers() {
  local line name value
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in '' | '#'*) continue ;; esac
    name=${line%%=*} value=${line#*=}
    case $name in
      DOMAIN | CERTIFICATE | CERTIFICATE_FILE | CERTIFICATE_KEY_FILE | ACME_EMAIL | ACME_SERVER | DATABASE \
        | DATABASE_URL_FILE | OWNER_URL_FILE | ADMIN_EMAIL | HOSPITAL | BACKUP_REPOSITORY | FAIL2BAN | FIREWALL)
        printf -v "$name" '%s' "$value" ;;
      *_FILE) take_secret_file "$name" "$value" ;;
      *) take_setting "$name" "$value" ;;
    esac
  done <"$ANSWERS"
}

take_setting() {
  grep -q "^$1=" "$SOURCE/.env.template" || fail "the file of answers has a name that nothing is called by: $1"
  case $1 in *SECRET* | *PASSWORD* | *KEYS) fail "$1 is a secret." "Put it in a file of its own and name that: ${1}_FILE=/path" ;; esac
  GIVEN[$1]=$2
}

take_secret_file() {
  local setting=${1%_FILE}
  grep -q "^$setting=" "$SOURCE/.env.template" || fail "the file of answers has a name that nothing is called by: $1"
  [ -r "$2" ] || fail "$1 names a file that cannot be read."
  SECRET_FILES[${setting,,}]=$2
}

# What an earlier run was told stays true, unless it is told anew.
keep_domain() {
  [ -z "$DOMAIN" ] && [ -r "$ENV_FILE_OF_SERVICE" ] || return 0
  DOMAIN=$(setting PUBLIC_URL)
  DOMAIN=${DOMAIN#https://} DOMAIN=${DOMAIN%/}
}

ask_what_is_missing() {
  ask DOMAIN "Domain name that people will open (medical.example.org)"
  ask CERTIFICATE "Certificate: certbot, own, or self-signed for a trial" certbot
  [ "$CERTIFICATE" != certbot ] || ask ACME_EMAIL "E-mail address for the certificate authority"
  [ "$CERTIFICATE" != own ] || ask CERTIFICATE_FILE "File with the certificate and its chain"
  [ "$CERTIFICATE" != own ] || ask CERTIFICATE_KEY_FILE "File with its key"
  ask DATABASE "Database: local, or remote" local
  [ "$DATABASE" != remote ] || ask DATABASE_URL_FILE "File with the URL of the database"
  ask ADMIN_EMAIL "E-mail address of the first administrator"
}

ask() { # ask NAME QUESTION [DEFAULT]
  [ -z "${!1}" ] || return 0
  if [ -z "$ANSWERS" ] && [ -t 0 ]; then
    read -r -p "   $2${3:+ [$3]}: " "${1?}"
  fi
  [ -n "${!1}" ] || printf -v "$1" '%s' "${3:-}"
  [ -n "${!1}" ] || fail "$1 is not known." "Answer the question, or give $1=… in the file of answers."
}

check_answers() {
  [[ $DOMAIN =~ ^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$ ]] || fail "DOMAIN is not the name of a host."
  [[ $ADMIN_EMAIL =~ ^[^[:space:]@]+@[^[:space:]@]+$ ]] || fail "ADMIN_EMAIL is not an e-mail address."
  case $CERTIFICATE in
    certbot | self-signed) ;;
    own)
      [ -r "$CERTIFICATE_FILE" ] && [ -r "$CERTIFICATE_KEY_FILE" ] || fail "the certificate or its key cannot be read."
      [ "$(openssl x509 -noout -pubkey -in "$CERTIFICATE_FILE" 2>/dev/null)" = "$(openssl pkey -pubout -in "$CERTIFICATE_KEY_FILE" 2>/dev/null)" ] \
        || fail "the certificate and the key do not belong together." ;;
    *) fail "CERTIFICATE must be certbot, own or self-signed." ;;
  esac
  case $DATABASE in
    local) ;;
    remote)
      [ -r "$DATABASE_URL_FILE" ] || fail "DATABASE_URL_FILE cannot be read."
      SECRET_FILES[database_url]=$DATABASE_URL_FILE ;;
    *) fail "DATABASE must be local or remote." ;;
  esac
  for name in FAIL2BAN FIREWALL; do [[ ${!name} =~ ^(yes|no)$ ]] || fail "$name must be yes or no."; done
  GIVEN[PUBLIC_URL]=https://$DOMAIN
  GIVEN[DATA_DIR]=$DATA
  check_port 80
  check_port 443
}

check_port() {
  local who
  who=$(ss -Hltnp "sport = :$1" | grep -o '"[^"]*"' | sort -u | grep -v nginx || true)
  [ -z "$who" ] || fail "port $1 is taken by $who." "nginx needs it: stop the other program first."
}

show_plan() {
  say "   https://$DOMAIN, certificate: $CERTIFICATE, database: $DATABASE, backups: $BACKUP_REPOSITORY"
  say "   fail2ban: $FAIL2BAN, firewall: $FIREWALL, first administrator: $ADMIN_EMAIL"
  if [ -n "$CHECK_ONLY" ]; then
    say "   Everything is as it must be. Nothing was changed."
  elif [ -z "$ANSWERS" ] && [ -t 0 ]; then
    read -r -p "   Go on? From here on the server is changed. [y/N]: " answer
    [ "$answer" = y ] || [ "$answer" = yes ] || fail "as you wished. Nothing was changed."
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
