#!/usr/bin/env bash
# Images to build a service on, for a machine that reaches no registry: Debian with an interpreter of this machine, and uv alone.
# Debian, as root, with podman. They weigh more than the real ones: judge an image by what it adds.
#   tools/stand_ins.sh PYTHON_PREFIX PYTHON_IMAGE UV UV_IMAGE
# PYTHON_PREFIX is the folder of an interpreter that needs nothing else (of uv or pyenv), UV its program.
set -euo pipefail
prefix=$1 python_image=$2 uv=$3 uv_image=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

case $prefix in
    /usr | /usr/local | /)
        echo "$prefix holds more than an interpreter: name one that uv or pyenv installed" >&2
        exit 1
        ;;
esac
executable=$(basename "$(readlink -f "$prefix/bin/python3")")

mkdir "$work/python" "$work/uv"
mmdebstrap -q --variant=minbase --mode=root \
    --include=ca-certificates,netbase,tzdata,libssl3,libffi8,libsqlite3-0,libbz2-1.0,liblzma5,zlib1g,libreadline8,libuuid1 \
    bookworm "$work/debian.tar"
podman import --quiet "$work/debian.tar" localhost/stand-ins/debian >/dev/null
# Without tests and bytecode, as in the image that it stands for.
tar -C "$prefix" --exclude="./lib/$executable/test" --exclude=__pycache__ --transform 's,^\.,usr/local,' -cf "$work/python/python.tar" .
# What this machine trusts beyond Debian, because its package index may ask for it.
cp /usr/local/share/ca-certificates/*.crt "$work/python/" 2>/dev/null || touch "$work/python/none.crt"
cat > "$work/python/Dockerfile" <<DOCKERFILE
FROM localhost/stand-ins/debian
ADD python.tar /
COPY *.crt /usr/local/share/ca-certificates/
RUN ldconfig && update-ca-certificates && ln -sf $executable /usr/local/bin/python3 && ln -sf python3 /usr/local/bin/python
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
RUN python -c 'import bz2, ctypes, lzma, sqlite3, ssl'
DOCKERFILE
podman build --quiet --pull=never --tag "$python_image" "$work/python" >/dev/null

cp "$uv" "$work/uv/uv"
printf 'FROM scratch\nCOPY uv /\n' > "$work/uv/Dockerfile"
podman build --quiet --pull=never --tag "$uv_image" "$work/uv" >/dev/null
