# nginx: the site of this release under the domain's name.
# shellcheck shell=bash
link "$RELEASES/$VERSION" "$CURRENT"
before=$CHANGES
longest=$(setting MAX_BODY_BYTES)
sed -e "s/yourdomain\.com/$DOMAIN/g" -e "s/client_max_body_size 1m;/client_max_body_size ${longest:-1m};/" \
  "$SOURCE/medical-ai-nginx.conf" | place_text /etc/nginx/sites-available/medical-ai.conf 0644 root:root
link ../sites-available/medical-ai.conf /etc/nginx/sites-enabled/medical-ai.conf
if [ "$(readlink /etc/nginx/sites-enabled/default 2>/dev/null)" = /etc/nginx/sites-available/default ]; then
  rm /etc/nginx/sites-enabled/default
  changed "Debian's welcome page is off"
fi
said=$(nginx -t 2>&1) || fail "nginx does not take the site." "$said"
if [ "$before" != "$CHANGES" ] && systemctl is-active --quiet nginx.service; then systemctl reload nginx.service; fi
enable nginx.service
