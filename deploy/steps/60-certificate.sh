# A certificate where nginx looks for it: yours, or one that signs itself until there is a better.
# shellcheck shell=bash
live=/etc/letsencrypt/live/$DOMAIN
folder /etc/letsencrypt 0755 root:root
case $CERTIFICATE in
  own)
    place "$CERTIFICATE_FILE" "$live/fullchain.pem" 0644
    place "$CERTIFICATE_KEY_FILE" "$live/privkey.pem" 0600
    ;;
  *)
    # Also where certbot is to come: nginx must answer before certbot can ask.
    if [ ! -s "$live/fullchain.pem" ]; then
      install -d -m 0700 "$live"
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 \
        -subj "/CN=$DOMAIN" -addext "subjectAltName=DNS:$DOMAIN" \
        -keyout "$live/privkey.pem" -out "$live/fullchain.pem" 2>/dev/null
      chmod 0600 "$live/privkey.pem"
      changed "$live (self-signed)"
    fi
    ;;
esac
