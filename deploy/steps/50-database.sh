# The database, one user who may change rows and one who may change tables, and the tables.
# shellcheck shell=bash
if [ "$DATABASE" = local ]; then
  folder /var/log/mysql 2750 mysql:adm  # the log of changes and of slow statements
  OWES=mariadb place "$SOURCE/deploy/mariadb/medical-ai.cnf" /etc/mysql/mariadb.conf.d/80-medical-ai.cnf
  if owed mariadb; then systemctl restart mariadb.service; settled mariadb; fi
  enable mariadb.service
  if [ ! -s "$SECRETS/database_url" ]; then
    password=$(random_text) owner_password=$(random_text)
    where="localhost/medical_ai_db?unix_socket=/run/mysqld/mysqld.sock"
    grant_rights "$SOURCE" "$password" "$owner_password"
    # The application's comes last: whatever interrupts this, a second run makes both anew.
    place_text "$OWNER_URL" 0600 root:root <<<"mysql+pymysql://medical_owner:$owner_password@$where"
    place_text "$SECRETS/database_url" 0600 root:root <<<"mysql+pymysql://medical_user:$password@$where"
  fi
else
  if [ -n "$OWNER_URL_FILE" ] && [ ! -s "$OWNER_URL" ]; then place "$OWNER_URL_FILE" "$OWNER_URL" 0600; fi
  check_rights "$RELEASES/$VERSION" --grant
fi
said=$(migrate "$RELEASES/$VERSION") || fail "the tables could not be made." "$said"
if grep -q '^applied' <<<"$said"; then changed "tables: $(tail -n 1 <<<"$said")"; fi
check_rights "$RELEASES/$VERSION" --grant
