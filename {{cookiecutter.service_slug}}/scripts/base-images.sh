#!/usr/bin/env bash
# Prints the arguments that pin the images which the Dockerfile builds on: each by the digest that its tag has now, so that what
# is built, scanned and published a minute later is the same. PYTHON_IMAGE and UV_IMAGE name others than the Dockerfile does.
set -euo pipefail
cd "$(dirname "$0")/.."

for name in PYTHON_IMAGE UV_IMAGE; do
    image=${!name:-$(sed -n "s/^ARG $name=//p" Dockerfile)}
    if [[ $image != *@sha256:* ]]; then
        image+=@$(docker buildx imagetools inspect "$image" --format '{{ "{{.Manifest.Digest}}" }}')
    fi
    printf -- '--build-arg %s=%s\n' "$name" "$image"
done
