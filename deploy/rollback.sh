#!/usr/bin/env bash
# Goes back to a release that is still installed, the one before when none is named. Tables stay as
# they are: releases only add to them. To go back in time as well: docs/runbooks/rollback.md
#
#   sudo deploy/rollback.sh [VERSION]
set -euo pipefail
SOURCE=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
# shellcheck source=deploy/lib.sh
. "$SOURCE/deploy/lib.sh"
# shellcheck source=deploy/answers.sh
. "$SOURCE/deploy/answers.sh"

need_root
only_once
[ -L "$CURRENT" ] || fail "nothing is installed here."
now=$(basename "$(readlink "$CURRENT")")
wanted=${1:-$(find "$RELEASES" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort -V | grep -xB1 -F "$now" | head -n 1)}
[ "$wanted" != "$now" ] || { say "Release $now is in use, and none before it is installed. Nothing to do."; exit 0; }
[ -f "$RELEASES/$wanted/.complete" ] || fail "that release is not installed." "Installed: $(find "$RELEASES" -mindepth 1 -maxdepth 1 -printf '%f ')"
read_answers "$KEPT_ANSWERS"
ask_what_is_missing
step "From $now to $wanted"
try_release "$wanted" || fail "release $wanted is not healthy." "See: medical-ai doctor"
say "   release $wanted is in use and healthy."
