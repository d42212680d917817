# Settings and secrets. What is there already stays as it is.
# shellcheck shell=bash
keep_answers
secret secret_key random_text
secret jwt_secret random_text
secret jwt_refresh_secret random_text
secret encryption_keys random_key
for name in "${!SECRET_FILES[@]}"; do
  secret "$name" cat "${SECRET_FILES[$name]}"
done
if [ ! -s "$ENV_FILE_OF_SERVICE" ]; then
  scratch=$(mktemp)
  cp "$SOURCE/.env.template" "$scratch"
  for name in "${!GIVEN[@]}"; do
    line=$(NAME=$name VALUE=${GIVEN[$name]} awk '
      index($0, ENVIRON["NAME"] "=") == 1 { print ENVIRON["NAME"] "=" ENVIRON["VALUE"]; next } { print }' "$scratch")
    printf '%s\n' "$line" >"$scratch"
  done
  place "$scratch" "$ENV_FILE_OF_SERVICE" 0640 "root:$SERVICE_USER"
  rm -f "$scratch"
fi
if [ ! -s "$CONFIG/backup-password" ]; then
  random_text | place_text "$CONFIG/backup-password" 0600 root:root
fi
if [ ! -e "$CONFIG/backup.env" ]; then
  sed "s|^RESTIC_REPOSITORY=.*|RESTIC_REPOSITORY=$BACKUP_REPOSITORY|" "$SOURCE/deploy/backup.env.template" \
    | place_text "$CONFIG/backup.env" 0600 root:root
fi
