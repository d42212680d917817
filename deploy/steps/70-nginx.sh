# nginx: the site of this release under the domain's name.
# shellcheck shell=bash
link "$RELEASES/$VERSION" "$CURRENT"
before=$CHANGES
sed "s/yourdomain\.com/$DOMAIN/g" "$SOURCE/medical-ai-nginx.conf" | place_text /etc/nginx/sites-available/medical-ai.conf 0644 root:root
link ../sites-available/medical-ai.conf /etc/nginx/sites-enabled/medical-ai.conf
if [ "$(readlink /etc/nginx/sites-enabled/default 2>/dev/null)" = /etc/nginx/sites-available/default ]; then
  rm /etc/nginx/sites-enabled/default
  changed "Debian's welcome page is off"
fi
said=$(nginx -t 2>&1) || fail "nginx does not take the site." "$said"
if [ "$before" != "$CHANGES" ] && systemctl is-active --quiet nginx.service; then systemctl reload nginx.service; fi
enable nginx.service
