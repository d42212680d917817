#!/usr/bin/env bash
# Builds dist/medical-ai-<version>.tar.gz: this commit, its packages as wheels, what it is made of
# (SBOM), and the checksums of all of it. deploy/install.sh takes it where there is no network.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' medical_ai/__init__.py)
name=medical-ai-$version
bin=$PWD/.venv/bin
# Debian 12 has Python 3.11, Ubuntu 24.04 has 3.12.
PYTHONS=${PYTHONS:-3.11 3.12}
PLATFORMS=(manylinux_2_28 manylinux_2_17 manylinux2014 manylinux_2_12 manylinux_2_5 manylinux1)

wheels=.tools/wheelhouse/$(cat requirements.txt <(echo "$PYTHONS $(uname -m)") | sha256sum | cut -c1-16)
if [ ! -f "$wheels/.complete" ]; then
  echo "Loading the wheels for Python $PYTHONS …"
  mkdir -p "$wheels"
  platforms=()
  for platform in "${PLATFORMS[@]}"; do platforms+=(--platform "${platform}_$(uname -m)"); done
  for python in $PYTHONS; do
    if ! "$bin/pip" download --quiet --disable-pip-version-check --require-hashes --no-deps \
      --only-binary :all: --python-version "$python" --implementation cp "${platforms[@]}" \
      -r requirements.txt -d "$wheels" >"$wheels/log" 2>&1; then
      tail -n 20 "$wheels/log" >&2
      echo "The wheels could not be loaded." >&2
      exit 1
    fi
  done
  touch "$wheels/.complete"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
folder=$scratch/$name
mkdir -p "$folder/wheelhouse" dist
git archive "${TREE:-HEAD}" | tar -x -C "$folder"
cp "$wheels"/*.whl "$folder/wheelhouse/"
"$bin/cyclonedx-py" requirements requirements.txt --pyproject pyproject.toml --output-reproducible \
  --of JSON -o "$folder/sbom.cdx.json" 2>/dev/null
(cd "$folder" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) >"$scratch/SHA256SUMS"
mv "$scratch/SHA256SUMS" "$folder/"
tar --sort=name --mtime="@$(git log -1 --format=%ct)" --owner=0 --group=0 --numeric-owner \
  -C "$scratch" -cf - "$name" | gzip -n >"dist/$name.tar.gz"
cp "$folder/sbom.cdx.json" "dist/$name.cdx.json"
(cd dist && sha256sum "$name.tar.gz" "$name.cdx.json" >"$name.sha256")
echo "dist/$name.tar.gz ($(du -h "dist/$name.tar.gz" | cut -f1))"
