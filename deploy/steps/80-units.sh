# The units of this release, what they need, and the timers.
# shellcheck shell=bash
link "$RELEASES/$VERSION" "$CURRENT"
link "$CURRENT/deploy/bin/medical-ai" "$COMMAND"
install_units "$CURRENT"
place "$SOURCE/deploy/logrotate/medical-ai" /etc/logrotate.d/medical-ai
enable medical-ai.target
for timer in backup restore-check cert-check; do enable "medical-ai-$timer.timer"; done
[ -z "$UNITS_CHANGED" ] || systemctl restart medical-ai.service medical-ai-worker.service
health 60 >/dev/null || fail "the web process does not answer." "See: journalctl -u medical-ai -n 30"
