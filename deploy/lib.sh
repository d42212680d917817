# What the deployment scripts share. Sourced, never run.
# shellcheck shell=bash disable=SC2034  # most of it is used by the scripts

readonly BASE=/opt/medical-ai
readonly RELEASES=$BASE/releases
readonly CURRENT=$BASE/current
readonly CONFIG=/etc/medical-ai
readonly ENV_FILE_OF_SERVICE=$CONFIG/medical-ai.env
readonly SECRETS=$CONFIG/secrets
readonly OWNER_URL=$CONFIG/owner/migration_database_url
readonly DATA=/var/lib/medical-ai
readonly LOGS=/var/log/medical-ai
readonly EDGE=/var/lib/medical-ai-edge
readonly SERVICE_USER=medical-ai
readonly COMMAND=/usr/local/bin/medical-ai

umask 022  # whatever root's own is: the service must be able to read the program

CHANGES=0
shopt -s lastpipe  # what a pipe ends in counts its changes here, not in a copy of this shell

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
changed() { CHANGES=$((CHANGES + 1)); printf '   changed: %s\n' "$*"; }
fail() { # fail WHAT MEND: say what is wrong and how to mend it, and stop
  printf '\nStopped: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '   %s\n' "$2" >&2
  exit 1
}

need_root() {
  [ "$(id -u)" -eq 0 ] || fail "this needs root." "Run it again with sudo."
}

# Who reads a file must be told when it changes, also when this run ends in between: with OWES=name
# set, a change is written down as a debt that a later run finds.
owe() { [ -z "${1:-}" ] || : >"$BASE/.owed-$1"; }
owed() { [ -e "$BASE/.owed-$1" ]; }
settled() { rm -f "$BASE/.owed-$1"; }

# place FILE DEST [MODE] [OWNER:GROUP]: copy FILE where it differs from what is there
place() {
  local source=$1 dest=$2 mode=${3:-0644} owner=${4:-root:root}
  if cmp -s "$source" "$dest" && [ "$(stat -c '%U:%G %a' "$dest")" = "$owner $(printf '%o' "$((8#$mode))")" ]; then
    return
  fi
  install -D -m "$mode" -o "${owner%:*}" -g "${owner#*:}" "$source" "$dest.new"
  owe "${OWES:-}"
  mv -f "$dest.new" "$dest"
  changed "$dest"
}

# place_text DEST MODE OWNER:GROUP: the same with what comes in
place_text() {
  local scratch
  scratch=$(mktemp)
  cat >"$scratch"
  place "$scratch" "$1" "$2" "$3"
  rm -f "$scratch"
}

# mode_of FILE MODE OWNER:GROUP: what somebody changed by hand is set right
mode_of() {
  [ "$(stat -c '%U:%G %a' "$1")" != "$3 $(printf '%o' "$((8#$2))")" ] || return 0
  chown "$3" "$1"
  chmod "$2" "$1"
  changed "$1 (owner and mode)"
}

# folder PATH MODE OWNER:GROUP
folder() {
  if [ -d "$1" ] && [ "$(stat -c '%U:%G %a' "$1")" = "$3 $(printf '%o' "$((8#$2))")" ]; then return; fi
  install -d -m "$2" -o "${3%:*}" -g "${3#*:}" "$1"
  changed "$1"
}

# link TARGET PATH
link() {
  [ "$(readlink "$2" 2>/dev/null)" != "$1" ] || return 0
  ln -sfn "$1" "$2.new"
  owe "${OWES:-}"
  mv -fT "$2.new" "$2"
  changed "$2 -> $1"
}

# enable UNIT: start it now and at every boot
enable() {
  if systemctl is-enabled --quiet "$1" && systemctl is-active --quiet "$1"; then return; fi
  systemctl enable --now --quiet "$1"
  changed "$1 enabled"
}

# secret NAME COMMAND...: keep what COMMAND prints, unless there is one already
secret() {
  local name=$1
  shift
  [ ! -s "$SECRETS/$name" ] || return 0
  "$@" | place_text "$SECRETS/$name" 0600 root:root
}

random_text() { head -c 36 /dev/urandom | base64 -w0 | tr '+/' '-_'; printf '\n'; }
random_key() { head -c 32 /dev/urandom | base64 -w0; printf '\n'; }

version_of() { # version_of FOLDER: the release that lies there
  sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$1/medical_ai/__init__.py"
}

setting() { # setting NAME: the value of a setting of this installation, or nothing
  sed -n "s/^$1=//p" "$ENV_FILE_OF_SERVICE" | tail -n 1
}

# ask_web PATH [SOCKET]: what the web process says there
ask_web() {
  curl --silent --fail --max-time 5 --unix-socket "${2:-/run/medical-ai/web.sock}" "http://localhost$1"
}

# health SECONDS [UNIT SOCKET]: wait until the web process can serve, and print what it said; false
# when the time is over, or when it keeps ending at once
health() {
  local until=$((SECONDS + $1)) unit=${2:-medical-ai.service} restarts
  restarts=$(systemctl show -P NRestarts "$unit")
  while [ "$SECONDS" -lt "$until" ]; do
    if ask_web /health/ready "${3:-}"; then return 0; fi
    case $(systemctl show -P ActiveState "$unit") in failed | inactive) return 1 ;; esac
    [ "$(systemctl show -P NRestarts "$unit")" -lt $((restarts + 3)) ] || return 1
    sleep 0.3
  done
  return 1
}

# grant_rights FOLDER [PASSWORD OWNER_PASSWORD]: the users of the local database, with no more rights
# than they need, and these passwords if any. Everything goes by standard input, for a command line
# can be read by everybody on the host.
grant_rights() {
  local sql
  sql=$(<"$1/deploy/mariadb/users.sql")
  sql=${sql//USER_PASSWORD/${2:-$(random_text)}}
  sql=${sql//OWNER_PASSWORD/${3:-$(random_text)}}
  if [ -n "${3:-}" ]; then
    sql+="
ALTER USER medical_user@localhost IDENTIFIED BY '$2';
ALTER USER medical_owner@localhost IDENTIFIED BY '$3';"
  fi
  mariadb --batch <<<"$sql"
}

# migrate FOLDER: bring the tables to what the release in FOLDER needs, and say so
migrate() {
  "$1/deploy/bin/medical-ai" migrate 2>&1 || return 1
  # A new table is for the application only once it was granted; elsewhere check_rights sees to it.
  [ "$DATABASE" != local ] || grant_rights "$1"
}

# check_rights FOLDER [--grant]: stop where the users of a database elsewhere lack a right
check_rights() {
  local said status=0
  [ "$DATABASE" = remote ] || return 0
  said=$("$1/deploy/bin/medical-ai" rights "${@:2}" 2>&1) || status=$?
  # 2: the release in use is from before this command.
  [ "$status" -ne 1 ] || fail "the database does not let its users do what they must." "$said"
}

# install_units FOLDER: the units of the release in FOLDER, and as much network as its settings need
install_units() {
  local OWES=units unit network drop_ins=/etc/systemd/system/medical-ai.service.d
  for unit in "$1"/medical-ai.service "$1"/deploy/systemd/*.*; do
    place "$unit" "/etc/systemd/system/$(basename "$unit")"
  done
  network=$("$1/deploy/bin/medical-ai" config network) || fail "the settings are not right." "See: medical-ai config check"
  if [ "$network" != none ]; then
    place "$1/deploy/systemd/network/$network.conf" "$drop_ins/network.conf"
  elif [ -f "$drop_ins/network.conf" ]; then
    owe units
    rm "$drop_ins/network.conf"
    changed "no network for the web process"
  fi
  ! owed units || systemctl daemon-reload
}

# schema_of FOLDER: the version of the tables that the release in FOLDER is made for
schema_of() { find "$1/medical_ai/migrations/versions" -name '[0-9]*.py' -printf '%f\n' | sort | tail -n 1 | cut -d_ -f1; }

# only_once: stop when another of these scripts is at work
only_once() {
  exec 9>/run/medical-ai-deploy.lock
  flock --nonblock 9 || fail "another installation, upgrade or rollback is at work."
}

# The release that was in use before this one, for the way back.
previous_release() { cat "$BASE/previous" 2>/dev/null || true; }
remember_previous() { # remember_previous [VERSION]: none when it is empty
  if [ -n "${1:-}" ]; then printf '%s\n' "$1" >"$BASE/previous"; else rm -f "$BASE/previous"; fi
}

# try_release VERSION: make an installed release the one that runs, by its own scripts
try_release() { bash "$RELEASES/$1/deploy/use-release.sh"; }

# verify_release VERSION: the release answers as itself, its worker works, and both go on doing so
verify_release() {
  local until=$((SECONDS + 45)) said good=0
  while [ "$SECONDS" -lt "$until" ]; do
    said=$(ask_web /health || true)
    if [[ $said == *"\"database\": \"connected\""* && $said == *"\"status\": \"running\""* \
      && $said == *"\"version\": \"$1\""* ]] && systemctl is-active --quiet medical-ai-worker.service; then
      good=$((good + 1))
      [ "$good" -lt 10 ] || return 0
    else
      good=0
    fi
    sleep 0.5
  done
  say "   it said: ${said:-nothing}"
  return 1
}

# try_out VERSION: start the web process of an installed release beside the one in use, and ask it
try_out() {
  local folder=$RELEASES/$1 unit=medical-ai-trial.service socket=/run/medical-ai-trial/web.sock said
  systemctl reset-failed --quiet "$unit" 2>/dev/null || true
  systemd-run --quiet --collect --unit="$unit" -p User="$SERVICE_USER" -p WorkingDirectory="$folder" \
    -p EnvironmentFile="$ENV_FILE_OF_SERVICE" -p LoadCredential=set:"$SECRETS" \
    -p RuntimeDirectory=medical-ai-trial -p RuntimeMaxSec=120 -p MemoryMax=50% -p ProtectSystem=strict \
    -E SECRETS_PREFIX="/run/credentials/$unit/set_" -E ENV_FILE=/dev/null -E DATA_DIR="$DATA" \
    -E PYTHONDONTWRITEBYTECODE=1 -E WEB_CONCURRENCY=1 -E BIND="unix:$socket" \
    "$folder/.venv/bin/gunicorn" -c gunicorn_config.py
  said=$(health 45 "$unit" "$socket" || true)
  systemctl stop "$unit" 2>/dev/null || true
  [[ $said == *"\"version\": \"$1\""* ]]
}
