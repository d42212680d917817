# The checklist, seen from outside, and the first administrator.
# shellcheck shell=bash
"$COMMAND" verify || say "   What is red has its mend beside it; then run: medical-ai verify"
invited=$CONFIG/administrator-invited
if [ ! -e "$invited" ]; then
  say ""
  "$COMMAND" create-admin "$ADMIN_EMAIL" || fail "the first administrator could not be invited." "Run: medical-ai create-admin $ADMIN_EMAIL"
  : >"$invited"
fi
