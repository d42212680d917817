# The service's own user, without a shell, and the folders with their modes.
# shellcheck shell=bash
if ! getent passwd "$SERVICE_USER" >/dev/null; then
  adduser --system --group --no-create-home --home "$DATA" --shell /usr/sbin/nologin --quiet "$SERVICE_USER"
  changed "user $SERVICE_USER"
fi
folder "$BASE" 0755 root:root
folder "$RELEASES" 0755 root:root
folder "$CONFIG" 0755 root:root
folder "$SECRETS" 0700 root:root
folder "$CONFIG/owner" 0700 root:root
folder "$DATA" 0700 "$SERVICE_USER:$SERVICE_USER"
# Out of the sight of web and worker: a dump, and what a restore brings along.
folder "$DATA/.backup" 0700 "$SERVICE_USER:$SERVICE_USER"
folder "$DATA/restored-settings" 0700 "$SERVICE_USER:$SERVICE_USER"
folder "$LOGS" 2750 "$SERVICE_USER:adm"
folder "$EDGE" 0750 root:www-data
folder /var/backups/medical-ai 0700 "$SERVICE_USER:$SERVICE_USER"
folder /var/www/certbot 0755 root:root
folder /etc/nginx/medical-ai.d 0755 root:root  # for directives of the operator
