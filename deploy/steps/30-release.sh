# This release, beside the earlier ones: its files and an environment of exactly the locked packages.
# shellcheck shell=bash
target=$RELEASES/$VERSION
if [ ! -f "$target/.complete" ]; then
  say "   installing release $VERSION (about a minute)"
  rm -rf "$target"
  install -d -m 0755 "$target"
  if [ -f "$SOURCE/SHA256SUMS" ]; then
    (cd "$SOURCE" && sha256sum --quiet --strict -c SHA256SUMS) \
      || fail "the release is damaged: its files are not those of SHA256SUMS." "Load it again."
    tar -C "$SOURCE" -cf - --exclude=./.venv . | tar -C "$target" -xf - --no-same-owner
  else
    git -C "$SOURCE" ls-files -z | tar -C "$SOURCE" --null -T - -cf - | tar -C "$target" -xf - --no-same-owner
  fi
  python3 -m venv "$target/.venv"
  from=()
  [ ! -d "$target/wheelhouse" ] || from=(--no-index --find-links "$target/wheelhouse")
  "$target/.venv/bin/pip" install --quiet --disable-pip-version-check --no-input "${from[@]}" \
    --require-hashes -r "$target/requirements.txt" \
    || fail "the packages of requirements.txt could not be installed."
  "$target/.venv/bin/python" -m compileall -q "$target/medical_ai" "$target/app.py" "$target/db.py"
  "$target/deploy/nginx/collect-static.sh" "$target"
  rm -rf "$target/wheelhouse"
  chmod -R go-w,a+rX "$target"
  touch "$target/.complete"
  changed "$target"
fi
