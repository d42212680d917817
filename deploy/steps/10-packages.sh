# Debian's packages: nginx, MariaDB, certbot and the rest of packages.txt.
# shellcheck shell=bash
missing=()
while read -r package; do
  case $package in
    mariadb-server) [ "$DATABASE" = local ] || package=mariadb-client ;;  # for backups
    certbot) [ "$CERTIFICATE" = certbot ] || continue ;;
    fail2ban) [ "$FAIL2BAN" = yes ] || continue ;;
    nftables) [ "$FIREWALL" = yes ] || [ "$FAIL2BAN" = yes ] || continue ;;
  esac
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
done <"$SOURCE/deploy/packages.txt"
[ ${#missing[@]} -gt 0 ] || return 0
say "   installing ${missing[*]}"
log=$(mktemp)
apt-get update -q >"$log" 2>&1 || say "   The package lists could not be renewed; going on with those that are here."
if ! DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
  tail -n 15 "$log" >&2
  fail "packages could not be installed: ${missing[*]}" "Install them with apt-get and run this again."
fi
rm -f "$log"
changed "${#missing[@]} packages"
