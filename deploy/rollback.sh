#!/usr/bin/env bash
# Goes back to a release that is still installed, the one before when none is named. Tables stay as
# they are: releases only add to them. To go back in time as well: docs/runbooks/rollback.md
#
#   sudo deploy/rollback.sh [VERSION]
set -euo pipefail
SOURCE=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
# shellcheck source=deploy/lib.sh
. "$SOURCE/deploy/lib.sh"

need_root
only_once
[ -L "$CURRENT" ] || fail "nothing is installed here."
now=$(basename "$(readlink "$CURRENT")")
before=$(previous_release)
wanted=${1:-${before:-$now}}
[ "$wanted" != "$now" ] || { say "Release $now is in use, and none was before it. Nothing to do."; exit 0; }
[ -f "$RELEASES/$wanted/.complete" ] || fail "that release is not installed." "Installed: $(find "$RELEASES" -mindepth 1 -maxdepth 1 -printf '%f ')"
step "From $now to $wanted"
remember_previous "$now"
if ! try_release "$wanted"; then
  say "   release $wanted did not prove itself: going back to $now"
  remember_previous "$before"
  try_release "$now" || fail "release $now is not healthy either." "See: medical-ai doctor"
  fail "release $now is in use again, and healthy." "What was wrong: journalctl -u medical-ai -u medical-ai-worker -n 60"
fi
say "   release $wanted is in use and healthy."
