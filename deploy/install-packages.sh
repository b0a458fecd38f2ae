#!/usr/bin/env bash
# Installs what Sluice builds and tests with, from Debian's packages alone.
#
# Run it as root or as a user with sudo. It says what it is about to install, and
# does nothing when everything is there already.
set -euo pipefail

packages=(
  # Build tools.
  g++ cmake ninja-build make pkg-config ccache git ca-certificates
  clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev
  # The RPC stack (protobuf and gRPC, with their code generators).
  libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler
  # Libraries.
  libabsl-dev libssl-dev prometheus-cpp-dev libcivetweb-dev libyaml-cpp-dev
  libxxhash-dev libhiredis-dev libcli11-dev libspdlog-dev libre2-dev liblua5.4-dev tzdata
  # Tests.
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev liblua5.1-0-dev
  python3 python3-venv librsvg2-bin redis-server redis-sentinel redis-tools
)

missing=()
for package in "${packages[@]}"; do
  if ! dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
    missing+=("$package")
  fi
done

if [ "${#missing[@]}" -eq 0 ]; then
  echo "install-packages: everything is there already"
  exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null; then
  as_root=(sudo)
else
  echo "install-packages: missing: ${missing[*]}" >&2
  echo "install-packages: run this script as root, or install sudo" >&2
  exit 1
fi

# Debian starts a service when it installs its package, and a Redis on its usual port is not what
# anybody asked for here. Where nobody has said otherwise, none is started meanwhile.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" > /dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

echo "install-packages: installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends "${missing[@]}"
