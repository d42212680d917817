#!/usr/bin/env bash
# Makes the installed release that this script belongs to the one that runs, and proves it. Called by
# upgrade.sh and rollback.sh, in a process of its own: whatever stops it, the way back is theirs.
set -euo pipefail
SOURCE=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
# shellcheck source=deploy/lib.sh
. "$SOURCE/deploy/lib.sh"
# shellcheck source=deploy/answers.sh
. "$SOURCE/deploy/answers.sh"
VERSION=$(version_of "$SOURCE")

need_root
ANSWERS=$KEPT_ANSWERS
read_answers "$ANSWERS"
ask_what_is_missing
for step in 70-nginx 80-units 90-guards; do
  # shellcheck source=/dev/null
  . "$SOURCE/deploy/steps/$step.sh"
done
verify_release "$VERSION"
