#!/usr/bin/env bash
# Collects what nginx serves by itself into a release's public/, with a compressed copy beside each
# text: collect-static.sh [release], the release this file belongs to if none is named.
# Idempotent; the old folder stays in use until the new one is whole.
set -euo pipefail

release=$(cd "${1:-$(dirname "$0")/../..}" && pwd)
python=${PYTHON:-$release/.venv/bin/python}

bootstrap=$("$python" -c 'import flask_bootstrap, os; print(os.path.dirname(flask_bootstrap.__file__))')
new=$(mktemp -d "$release/public.XXXXXX")
trap 'rm -rf "$new"' EXIT

mkdir -p "$new/bootstrap/static/css"
cp -R "$release/medical_ai/static" "$new/static"
cp "$bootstrap/static/bootstrap5/css/bootstrap.min.css" "$new/bootstrap/static/css/"
find "$new" -type f \( -name '*.css' -o -name '*.js' -o -name '*.svg' -o -name '*.json' \) \
  -exec gzip -9 --keep --no-name {} +
chmod -R u=rwX,go=rX "$new"

rm -rf "$release/public.old"
if [ -e "$release/public" ]; then mv -T "$release/public" "$release/public.old"; fi
mv -T "$new" "$release/public"
rm -rf "$release/public.old"
