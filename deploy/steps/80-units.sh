# The units of this release, and the timers.
# shellcheck shell=bash
link "$CURRENT/deploy/bin/medical-ai" "$COMMAND"
install_units "$CURRENT"
place "$SOURCE/deploy/logrotate/medical-ai" /etc/logrotate.d/medical-ai
running=$(readlink "/proc/$(systemctl show -P MainPID medical-ai.service)/cwd" || true)
if [ -n "$running" ] && { owed units || [ "$running" != "$(readlink -f "$CURRENT")" ]; }; then
  # The sockets stay open meanwhile: whoever asks now waits for a second.
  systemctl restart medical-ai.service medical-ai-worker.service
fi
enable medical-ai.target
for timer in backup restore-check cert-check; do enable "medical-ai-$timer.timer"; done
health 60 >/dev/null || fail "the web process does not answer." "See: journalctl -u medical-ai -n 30, and $LOGS/error.log"
settled units
