# The checklist, seen from outside.
# shellcheck shell=bash
"$COMMAND" verify || say "   What is red has its mend beside it; then run: medical-ai verify"
