#!/usr/bin/env bash
# Takes the assistant off this host. Database, uploads, settings, secrets, logs and backups stay,
# unless all of them are to go too. Debian's packages stay in any case.
#
#   sudo deploy/uninstall.sh                      the program alone
#   sudo deploy/uninstall.sh --with-data DOMAIN   everything, for good; DOMAIN as a confirmation
set -euo pipefail
SOURCE=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
# shellcheck source=deploy/lib.sh
. "$SOURCE/deploy/lib.sh"

main() {
  need_root
  only_once
  local with_data=
  case ${1:-} in
    '') ;;
    --with-data)
      [ "https://${2:-}" = "$(setting PUBLIC_URL)" ] \
        || fail "that is not the domain of this installation, so nothing was removed."
      with_data=yes ;;
    --help | -h) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "unknown option." "See: $0 --help" ;;
  esac
  remove_program
  if [ -n "$with_data" ]; then
    remove_data
    say "Gone from this host: program, database, data, settings, secrets, logs and backups."
    say "Not gone: backups and a database elsewhere, the certificate in /etc/letsencrypt, the journal."
  else
    say "The program is gone. Kept: $CONFIG, $DATA, $LOGS, /var/backups/medical-ai and the database."
  fi
}

remove_program() {
  local unit
  for unit in medical-ai.target medical-ai.socket medical-ai.service medical-ai-worker.service \
    medical-ai-backup.timer medical-ai-restore-check.timer medical-ai-cert-check.timer; do
    systemctl disable --now --quiet "$unit" 2>/dev/null || true
  done
  systemctl stop 'medical-ai-*.service' 2>/dev/null || true
  rm -rf /etc/systemd/system/medical-ai*.service.d /etc/systemd/system/medical-ai*.{service,socket,target,timer}
  systemctl daemon-reload
  systemctl reset-failed 'medical-ai*' 2>/dev/null || true
  rm -f /var/lib/systemd/timers/stamp-medical-ai-*
  rm -f /etc/nginx/sites-enabled/medical-ai.conf /etc/nginx/sites-available/medical-ai.conf
  if systemctl is-active --quiet nginx.service && nginx -t 2>/dev/null; then systemctl reload nginx.service; fi
  rm -f /etc/fail2ban/jail.d/medical-ai.conf /etc/fail2ban/filter.d/medical-ai*.conf
  if systemctl is-active --quiet fail2ban.service; then systemctl restart fail2ban.service || true; fi
  rm -f /etc/nftables.d/medical-ai.nft /etc/letsencrypt/renewal-hooks/deploy/medical-ai.sh
  if command -v nft >/dev/null; then nft delete table inet medical_ai 2>/dev/null || true; fi
  rm -f /etc/logrotate.d/medical-ai "$COMMAND"
  rm -rf "$BASE" "$EDGE"
}

remove_data() {
  if [ -e /etc/mysql/mariadb.conf.d/80-medical-ai.cnf ]; then
    systemctl start mariadb.service || fail "MariaDB does not start, so nothing was removed." "See: journalctl -u mariadb -n 30"
    mariadb <<'SQL'
DROP DATABASE IF EXISTS medical_ai_db;
DROP DATABASE IF EXISTS medical_ai_restore_check;
DROP USER IF EXISTS medical_user@localhost;
DROP USER IF EXISTS medical_owner@localhost;
FLUSH BINARY LOGS;
PURGE BINARY LOGS BEFORE NOW();
SQL
    : >/var/log/mysql/mariadb-slow.log
    rm -f /etc/mysql/mariadb.conf.d/80-medical-ai.cnf
  fi
  rm -rf /etc/nginx/medical-ai.d "$CONFIG" "$DATA" "$LOGS" /var/backups/medical-ai /var/cache/medical-ai
  rm -f /var/log/nginx/medical-ai.access* /var/log/nginx/medical-ai.error*
  if getent passwd "$SERVICE_USER" >/dev/null; then deluser --system --quiet "$SERVICE_USER"; fi
}

main "$@"
