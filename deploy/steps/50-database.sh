# The database, one user who may change rows and one who may change tables, and the tables.
# shellcheck shell=bash
sql() { mariadb --batch --skip-column-names; }

make_users() {
  local password owner_password socket=/run/mysqld/mysqld.sock
  password=$(random_text) owner_password=$(random_text)
  # By standard input, for a command line can be read by everybody on the host.
  sql <<SQL
CREATE DATABASE IF NOT EXISTS medical_ai_db CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE OR REPLACE USER medical_user@localhost IDENTIFIED BY '$password';
GRANT SELECT, INSERT, UPDATE, DELETE ON medical_ai_db.* TO medical_user@localhost;
CREATE OR REPLACE USER medical_owner@localhost IDENTIFIED BY '$owner_password';
GRANT ALL PRIVILEGES ON medical_ai_db.* TO medical_owner@localhost;
GRANT ALL PRIVILEGES ON medical_ai_restore_check.* TO medical_owner@localhost;
SQL
  place_text "$OWNER_URL" 0600 root:root \
    <<<"mysql+pymysql://medical_owner:$owner_password@localhost/medical_ai_db?unix_socket=$socket"
  place_text "$SECRETS/database_url" 0600 root:root \
    <<<"mysql+pymysql://medical_user:$password@localhost/medical_ai_db?unix_socket=$socket"
}

if [ "$DATABASE" = local ]; then
  before=$CHANGES
  place "$SOURCE/deploy/mariadb/medical-ai.cnf" /etc/mysql/mariadb.conf.d/80-medical-ai.cnf
  [ "$before" = "$CHANGES" ] || systemctl restart mariadb.service
  enable mariadb.service
  # The owner's file is written first: whatever interrupts this, a second run makes both anew.
  [ -s "$SECRETS/database_url" ] || make_users
fi
if [ -n "$OWNER_URL_FILE" ] && [ ! -s "$OWNER_URL" ]; then
  place "$OWNER_URL_FILE" "$OWNER_URL" 0600
fi
said=$(migrate "$RELEASES/$VERSION") || fail "the tables could not be made." "$said"
if grep -q '^applied' <<<"$said"; then changed "tables: $(tail -n 1 <<<"$said")"; fi
