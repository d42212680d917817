# A certificate where nginx looks for it: yours, or one that signs itself until there is a better.
# shellcheck shell=bash
live=/etc/letsencrypt/live/$DOMAIN
ends() { date -d "$(openssl x509 -noout -enddate -in "$1" 2>/dev/null | cut -d= -f2)" +%s; }

folder /etc/letsencrypt 0755 root:root
# One of yours is taken when it is the better one: what lies there may have been renewed meanwhile.
if [ "$CERTIFICATE" = own ] && [ -r "$CERTIFICATE_FILE" ]; then
  if [ ! -s "$live/fullchain.pem" ] || [ "$(ends "$CERTIFICATE_FILE")" -gt "$(ends "$live/fullchain.pem")" ]; then
    OWES=nginx place "$CERTIFICATE_KEY_FILE" "$live/privkey.pem" 0600
    OWES=nginx place "$CERTIFICATE_FILE" "$live/fullchain.pem" 0644
  fi
elif [ ! -s "$live/fullchain.pem" ]; then
  # Also where certbot is to come: nginx must answer before certbot can ask.
  # Both at once: one that was cut off in the middle would stop nginx for good.
  rm -rf "$live" "$live.part"
  install -d -m 0700 "$live.part"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 \
    -subj "/CN=$DOMAIN" -addext "subjectAltName=DNS:$DOMAIN" \
    -keyout "$live.part/privkey.pem" -out "$live.part/fullchain.pem" 2>/dev/null
  chmod 0600 "$live.part/privkey.pem"
  install -d -m 0700 "$(dirname "$live")"
  mv "$live.part" "$live"
  changed "$live (self-signed)"
fi
