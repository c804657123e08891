#!/bin/sh
# Runs the GPU check on a machine that has neither Node nor a network: unpacks what lies beside this script into a folder that goes
# away afterwards, or into UNMASK_GPU_CHECK_DIR, which stays. Options go on to the check: run.sh --help
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1

fail() {
  echo "gpu-check: $1" >&2
  exit 1
}

# Compressed bytes from stdin, plain ones to stdout. Not every machine has xz, but those with PyTorch have Python.
unxz() {
  if command -v xz >/dev/null; then xz -dc
  elif command -v python3 >/dev/null; then python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.stdin.buffer), sys.stdout.buffer)'
  else fail "needs xz or python3 to unpack"
  fi
}

work=${UNMASK_GPU_CHECK_DIR:-}
if [ -z "$work" ]; then
  work=$(mktemp -d "${TMPDIR:-/tmp}/unmask-gpu-check.XXXXXX") || exit 1
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM
fi

if [ ! -f "$work/unpacked" ] || ! cmp -s "$work/unpacked" "$here/SHA256SUMS"; then
  mkdir -p "$work" || exit 1
  (cd "$here" && sha256sum -c --quiet SHA256SUMS) || fail "an archive is not what was packed"
  for archive in node runtime code; do
    unxz <"$here/$archive.tar.xz" | tar -C "$work" -xf - || fail "$archive.tar.xz could not be unpacked"
  done
  cp "$here/SHA256SUMS" "$work/unpacked"
fi

# CUDA's files come in pieces of their own (npm run gpu-check -- pack-cuda). Without them the check skips CUDA by name.
if [ -f "$here/cuda/SHA256SUMS" ] && [ ! -f "$work/cuda/provider.json" ]; then
  if (cd "$here/cuda" && sha256sum -c --quiet SHA256SUMS); then
    mkdir -p "$work/cuda.joining"
    cat "$here"/cuda/cuda.tar.xz.* | unxz | tar -C "$work/cuda.joining" -xf - || fail "CUDA's files could not be unpacked"
    cp "$work"/node_modules/onnxruntime-node/bin/napi-v*/linux/x64/libonnxruntime.so.1 "$work/cuda.joining/"
    mv "$work/cuda.joining" "$work/cuda"
  else
    echo "gpu-check: pieces of CUDA's files are missing or broken (see above); CUDA is skipped" >&2
  fi
fi

"$work/node" "$work/infra/gpu-check/run/main.ts" "$@"
