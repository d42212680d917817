#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that a target needs: system-packages.sh run|test|host
# Idempotent: what is there already is left alone, and then neither root nor a network is needed.
set -euo pipefail

need() { # need PACKAGE COMMAND...: add PACKAGE unless one of the commands is there
  local package=$1 command
  shift
  for command in "$@"; do
    if command -v "$command" >/dev/null 2>&1 || [ -x "$command" ]; then return; fi
  done
  missing+=("$package")
}

missing=()
case "${1:-}" in
  run) ;;
  test)
    need mariadb-server mariadbd /usr/sbin/mariadbd
    need chromium chromium chromium-browser
    need restic restic
    need mariadb-client mariadb-dump
    need nodejs node
    need npm npm
    need nginx-light nginx /usr/sbin/nginx
    need apache2-utils ab
    need fail2ban fail2ban-regex
    need nftables nft /usr/sbin/nft
    need logrotate logrotate /usr/sbin/logrotate
    need prometheus promtool
    [ -r /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing+=(fonts-dejavu-core)
    ;;
  host)
    need systemd-container systemd-nspawn
    need mmdebstrap mmdebstrap
    need iproute2 ip
    need apache2-utils ab
    need wrk wrk
    need slowhttptest slowhttptest
    need gcc gcc
    need openssl openssl
    need curl curl
    ;;
  *) echo "usage: $0 run|test|host" >&2; exit 2 ;;
esac
if ! "${PYTHON:-python3}" -c 'import ensurepip, venv' >/dev/null 2>&1; then missing+=(python3-venv); fi
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "These packages are missing: ${missing[*]}" >&2
    echo "Install them as root (apt-get install ${missing[*]}) and run this again." >&2
    exit 1
  fi
  as_root=(sudo)
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "This machine has no apt-get. Install the equivalent of: ${missing[*]}" >&2
  exit 1
fi

mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
echo "Installing ${missing[*]} …"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A service that a package starts by itself is not wanted here: the tests start their own.
install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends "${missing[@]}"; }
if ! { "${as_root[@]}" apt-get update && install; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "The packages could not be installed: ${missing[*]}" >&2
  exit 1
fi
