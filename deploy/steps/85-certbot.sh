# The certificate authority, once nginx answers it.
# shellcheck shell=bash
live=/etc/letsencrypt/live/$DOMAIN
[ "$CERTIFICATE" = certbot ] || return 0
place "$SOURCE/deploy/certbot/reload-nginx.sh" /etc/letsencrypt/renewal-hooks/deploy/medical-ai.sh 0755
if [ -e "/etc/letsencrypt/renewal/$DOMAIN.conf" ]; then
  if [ -e "$live.self-signed" ]; then  # cut off after it was given, and before nginx was told
    systemctl reload nginx.service
    rm -rf "$live.self-signed"
    changed "certificate of $DOMAIN"
  fi
  return 0
fi
# certbot wants the place for itself; nginx goes on with the one it has read.
put_back() { [ -e "$live/fullchain.pem" ] || { rm -rf "$live"; mv "$live.self-signed" "$live"; }; }
trap put_back EXIT
rm -rf "$live.self-signed"  # of a run that was cut off here
mv "$live" "$live.self-signed"
asked=(certonly --non-interactive --agree-tos --email "$ACME_EMAIL" --webroot -w /var/www/certbot -d "$DOMAIN")
[ -z "$ACME_SERVER" ] || asked+=(--server "$ACME_SERVER")
if ! said=$(certbot "${asked[@]}" 2>&1); then
  fail "the certificate authority gave no certificate; the site has a self-signed one until then." "$said"
fi
trap - EXIT
systemctl reload nginx.service
rm -rf "$live.self-signed"
changed "certificate of $DOMAIN"
