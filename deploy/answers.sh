# What the installation is told: read from a file, asked for, and checked before anything changes.
# Sourced, never run.
# shellcheck shell=bash disable=SC2034  # most of it is used by the steps

readonly NAMES="DOMAIN CERTIFICATE CERTIFICATE_FILE CERTIFICATE_KEY_FILE ACME_EMAIL ACME_SERVER DATABASE
  DATABASE_URL_FILE OWNER_URL_FILE ADMIN_EMAIL BACKUP_REPOSITORY FAIL2BAN FIREWALL"
readonly KEPT_ANSWERS=$CONFIG/answers
ANSWERS=''  # the file they come from; nobody is asked where there is one
for name in $NAMES; do printf -v "$name" '%s' ''; done
declare -A GIVEN=() SECRET_FILES=()

# Every line is NAME=value: one of ours, or a setting of .env.template, or a setting's NAME_FILE.
read_answers() {
  local line name value
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in '' | '#'*) continue ;; esac
    line=${line%$'\r'}
    name=${line%%=*} value=${line#*=}
    [[ $line == *=* ]] || fail "the file of answers has a line without =" "Lines are NAME=value."
    if [[ " ${NAMES//$'\n'/ } " == *" $name "* ]]; then
      printf -v "$name" '%s' "$value"
    else
      case $name in
        *_FILE) take_secret_file "$name" "$value" ;;
        *) take_setting "$name" "$value" ;;
      esac
    fi
  done <"$1"
}

take_setting() {
  grep -q "^$1=" "$SOURCE/.env.template" || fail "the file of answers has a name that nothing is called by: $1"
  case $1 in *SECRET* | *PASSWORD* | *KEYS) fail "$1 is a secret." "Put it in a file of its own and name that: ${1}_FILE=/path" ;; esac
  GIVEN[$1]=$2
}

take_secret_file() {
  local setting=${1%_FILE}
  grep -q "^$setting=" "$SOURCE/.env.template" || fail "the file of answers has a name that nothing is called by: $1"
  [ -r "$2" ] || [ -s "$SECRETS/${setting,,}" ] || fail "$1 names a file that cannot be read."
  SECRET_FILES[${setting,,}]=$2
}

ask_what_is_missing() {
  : "${BACKUP_REPOSITORY:=/var/backups/medical-ai}" "${FAIL2BAN:=yes}" "${FIREWALL:=no}"
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
  local wrong
  while [ -z "${!1}" ]; do
    if [ -z "$ANSWERS" ] && [ -t 0 ]; then
      read -r -p "   $2${3:+ [$3]}: " "${1?}" || fail "$1 is not known."
    fi
    [ -n "${!1}" ] || printf -v "$1" '%s' "${3:-}"
    if [ -n "$ANSWERS" ] || [ ! -t 0 ]; then break; fi
    wrong=$(problem_of "$1")
    [ -z "$wrong" ] || { say "   $wrong"; printf -v "$1" '%s' ''; }
  done
  [ -n "${!1}" ] || fail "$1 is not known." "Answer the question, or give $1=… in the file of answers."
}

# What is wrong with an answer, in a sentence; nothing where it can be used.
problem_of() { # problem_of NAME
  local value=${!1}
  case $1 in
    DOMAIN)
      value=${value,,} value=${value#https://} value=${value%/}
      [[ $value =~ ^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$ ]] \
        || say "DOMAIN is not the name of a host: it looks like medical.example.org, without https:// and without a path." ;;
    *_EMAIL)
      [[ $value =~ ^[^[:space:]@]+@[^[:space:]@]+$ ]] || { say "$1 is not an e-mail address."; return; }
      [[ ! $value =~ \.(local|test|localhost|invalid)$ ]] \
        || say "$1 is under a name that is not for mail: addresses under .local, .test and .invalid are not accepted." ;;
    CERTIFICATE) [[ $value =~ ^(certbot|own|self-signed)$ ]] || say "CERTIFICATE must be certbot, own or self-signed." ;;
    DATABASE) [[ $value =~ ^(local|remote)$ ]] || say "DATABASE must be local or remote." ;;
    CERTIFICATE_FILE | CERTIFICATE_KEY_FILE | DATABASE_URL_FILE) [ -r "$value" ] || say "$1 names a file that cannot be read." ;;
    FAIL2BAN | FIREWALL) [[ $value =~ ^(yes|no)$ ]] || say "$1 must be yes or no." ;;
  esac
}

check_answers() {
  DOMAIN=${DOMAIN,,} DOMAIN=${DOMAIN#https://} DOMAIN=${DOMAIN%/}
  local name wrong
  for name in DOMAIN ADMIN_EMAIL ${ACME_EMAIL:+ACME_EMAIL} CERTIFICATE DATABASE FAIL2BAN FIREWALL; do
    wrong=$(problem_of "$name")
    [ -z "$wrong" ] || fail "$wrong"
  done
  [ "$CERTIFICATE" != own ] || check_own_certificate
  [ "$DATABASE" = local ] || check_remote_database
  [ ! -s "$ENV_FILE_OF_SERVICE" ] || [ "$(setting PUBLIC_URL)" = "https://$DOMAIN" ] \
    || fail "DOMAIN is not that of PUBLIC_URL." "Change PUBLIC_URL in $ENV_FILE_OF_SERVICE first."
  [ "$FIREWALL" = no ] || check_ssh
  say_what_stays
  GIVEN[PUBLIC_URL]=https://$DOMAIN
  GIVEN[DATA_DIR]=$DATA
  check_port 80
  check_port 443
}

check_remote_database() {
  local ca=${GIVEN[DATABASE_SSL_CA]:-}
  [ -r "$DATABASE_URL_FILE" ] || [ -s "$SECRETS/database_url" ] || fail "DATABASE_URL_FILE cannot be read."
  [ -z "$ca" ] || setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$ca" \
    || fail "DATABASE_SSL_CA names a file that the service cannot read." "Put it in $CONFIG, with mode 0644."
  SECRET_FILES[database_url]=$DATABASE_URL_FILE
}

check_own_certificate() {
  local file
  if [ -s "/etc/letsencrypt/live/$DOMAIN/fullchain.pem" ] && [ ! -e "$CERTIFICATE_FILE" ]; then return; fi
  for file in "$CERTIFICATE_FILE" "$CERTIFICATE_KEY_FILE"; do
    [ -r "$file" ] || fail "the certificate or its key cannot be read."
  done
  [ "$(openssl x509 -noout -pubkey -in "$CERTIFICATE_FILE" 2>/dev/null)" = "$(openssl pkey -pubout -in "$CERTIFICATE_KEY_FILE" 2>/dev/null)" ] \
    || fail "the certificate and the key do not belong together."
}

# The firewall lets nothing in but 22, 80 and 443: whoever is here by another port would not come back.
check_ssh() {
  local others
  others=$({ ss -Hltnp | awk '/"sshd"/ {print $4}'; systemctl show -P Listen ssh.socket 2>/dev/null | grep -o '[^ ]*:[0-9]*'; } \
    | sed 's/.*://' | grep -vx 22 | sort -u || true)
  [ -z "$others" ] || fail "ssh listens on port $others, which the firewall would close." "Give FIREWALL=no, or change deploy/nftables/medical-ai.nft."
}

# Settings that are there already are the operator's; what was answered otherwise is not put over them.
say_what_stays() {
  local name
  [ -s "$ENV_FILE_OF_SERVICE" ] || return 0
  for name in "${!GIVEN[@]}"; do
    [ "$(setting "$name")" = "${GIVEN[$name]}" ] || say "   $name stays as it is in $ENV_FILE_OF_SERVICE"
  done
}

check_port() {
  local who
  who=$(ss -Hltnp "sport = :$1" | grep -o '"[^"]*"' | sort -u | grep -v nginx || true)
  [ -z "$who" ] || fail "port $1 is taken by $who." "nginx needs it: stop the other program first."
}

# What was told is kept, so that a later run and an upgrade ask nothing.
keep_answers() {
  local name
  {
    for name in $NAMES; do [ -z "${!name}" ] || printf '%s=%s\n' "$name" "${!name}"; done
    for name in "${!SECRET_FILES[@]}"; do
      [ "$name" = database_url ] || printf '%s_FILE=%s\n' "${name^^}" "${SECRET_FILES[$name]}"
    done | LC_ALL=C sort
  } | place_text "$KEPT_ANSWERS" 0600 root:root
}
