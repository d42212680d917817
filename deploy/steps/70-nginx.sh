# nginx: the site of this release under the domain's name.
# shellcheck shell=bash disable=SC2034  # OWES is read by place and link
link "$RELEASES/$VERSION" "$CURRENT"
longest=$(setting MAX_BODY_BYTES)
OWES=nginx
sed -e "s/yourdomain\.com/$DOMAIN/g" -e "s/client_max_body_size 1m;/client_max_body_size ${longest:-1m};/" \
  "$SOURCE/medical-ai-nginx.conf" | place_text /etc/nginx/sites-available/medical-ai.conf 0644 root:root
link ../sites-available/medical-ai.conf /etc/nginx/sites-enabled/medical-ai.conf
OWES=
if [ "$(readlink /etc/nginx/sites-enabled/default 2>/dev/null)" = /etc/nginx/sites-available/default ]; then
  owe nginx
  rm /etc/nginx/sites-enabled/default
  changed "Debian's welcome page is off"
fi
# nginx would make them for everybody to read.
for log in access error; do
  [ -e "/var/log/nginx/medical-ai.$log" ] || install -m 0640 -o www-data -g adm /dev/null "/var/log/nginx/medical-ai.$log"
done
said=$(nginx -t 2>&1) || fail "nginx does not take the site." "$said"
if owed nginx; then
  if systemctl is-active --quiet nginx.service; then systemctl reload nginx.service; fi
  settled nginx
fi
enable nginx.service
