# Debian's packages: nginx, MariaDB, certbot and the rest of packages.txt.
# shellcheck shell=bash
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if [ -n "$(dpkg --audit)" ] || compgen -G '/var/lib/dpkg/updates/[0-9]*' >/dev/null; then
  say "   An installation of packages was cut off before: completing it (dpkg --configure -a)"
  if ! { dpkg --force-confold --configure -a || true; apt-get --fix-broken install -qy; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "packages of an earlier installation could not be completed." "Run: dpkg --configure -a; apt-get --fix-broken install"
  fi
  changed "packages that were half installed"
fi
missing=()
while read -r package; do
  case $package in
    mariadb-server) [ "$DATABASE" = local ] || package=mariadb-client ;;  # for backups
    openssh-client)  # restic calls it
      [[ $BACKUP_REPOSITORY == sftp:* ]] || grep -qs '^RESTIC_REPOSITORY=.\?sftp:' "$CONFIG/backup.env" || continue ;;
    certbot) [ "$CERTIFICATE" = certbot ] || continue ;;
    fail2ban) [ "$FAIL2BAN" = yes ] || continue ;;
    nftables) [ "$FIREWALL" = yes ] || [ "$FAIL2BAN" = yes ] || continue ;;
  esac
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
done <"$SOURCE/deploy/packages.txt"
[ ${#missing[@]} -gt 0 ] || { rm -f "$log"; return 0; }
say "   installing ${missing[*]}"
apt-get update -q >"$log" 2>&1 || say "   The package lists could not be renewed; going on with those that are here."
if ! apt-get install -qy --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
  tail -n 15 "$log" >&2
  fail "packages could not be installed: ${missing[*]}" "Install them with apt-get and run this again."
fi
rm -f "$log"
changed "${#missing[@]} packages"
