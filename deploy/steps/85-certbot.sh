# The certificate authority, once nginx answers it.
# shellcheck shell=bash
live=/etc/letsencrypt/live/$DOMAIN
[ "$CERTIFICATE" = certbot ] || return 0
place "$SOURCE/deploy/certbot/reload-nginx.sh" /etc/letsencrypt/renewal-hooks/deploy/medical-ai.sh 0755
[ ! -e "/etc/letsencrypt/renewal/$DOMAIN.conf" ] || return 0
# certbot wants the place for itself; nginx goes on with the one it has read.
put_back() { [ -e "$live/fullchain.pem" ] || { rm -rf "$live"; mv "$live.self-signed" "$live"; }; }
trap put_back EXIT
mv "$live" "$live.self-signed"
asked=(certonly --non-interactive --agree-tos --email "$ACME_EMAIL" --webroot -w /var/www/certbot -d "$DOMAIN")
[ -z "$ACME_SERVER" ] || asked+=(--server "$ACME_SERVER")
if ! said=$(certbot "${asked[@]}" 2>&1); then
  fail "the certificate authority gave no certificate; the site has a self-signed one until then." "$said"
fi
trap - EXIT
rm -rf "$live.self-signed"
systemctl reload nginx.service
changed "certificate of $DOMAIN"
