# Settings and secrets. What is there already stays as it is.
# shellcheck shell=bash disable=SC2034  # OWES is read by place
keep_answers
if [ -s "$SECRETS/database_url" ] && [ ! -s "$SECRETS/encryption_keys" ]; then
  # Another ring would be sealed with from now on, and what is there could never be read again.
  fail "the key ring is lost: $SECRETS/encryption_keys is not there." "See docs/runbooks/lost-secret.md; it is in every backup."
fi
OWES=units
secret secret_key random_text
secret jwt_secret random_text
secret jwt_refresh_secret random_text
secret encryption_keys random_key
for name in "${!SECRET_FILES[@]}"; do
  secret "$name" cat "${SECRET_FILES[$name]}"
done
OWES=
# Until the first release is in use, the answers may still be corrected.
if [ ! -s "$ENV_FILE_OF_SERVICE" ] || [ ! -L "$CURRENT" ]; then
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
mode_of "$ENV_FILE_OF_SERVICE" 0640 "root:$SERVICE_USER"
for file in "$SECRETS"/*; do mode_of "$file" 0600 root:root; done
said=$("$RELEASES/$VERSION/deploy/bin/medical-ai" config check 2>&1) \
  || fail "the settings are not right. Correct the answers, or $ENV_FILE_OF_SERVICE, and run this again." "$said"
if [ ! -s "$CONFIG/backup-password" ]; then
  random_text | place_text "$CONFIG/backup-password" 0600 root:root
fi
if [ ! -e "$CONFIG/backup.env" ]; then
  sed "s|^RESTIC_REPOSITORY=.*|RESTIC_REPOSITORY=$BACKUP_REPOSITORY|" "$SOURCE/deploy/backup.env.template" \
    | place_text "$CONFIG/backup.env" 0600 root:root
fi
