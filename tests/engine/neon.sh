#!/bin/bash
# The kernels for 64-bit ARM on a machine that is none: compiled by a cross compiler, run in an
# emulator, once as a processor with the dot product instructions and once as one without.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
libraries=${XDG_CACHE_HOME:-$HOME/.cache}/docent/arm64

skip () { echo "skipped: $*"; exit 77; }
[ "$(uname -m)" = x86_64 ] || skip "the kernels' own tests ran on this processor"
command -v aarch64-linux-gnu-gcc qemu-aarch64 >/dev/null || skip "needs gcc-aarch64-linux-gnu and qemu-user"
[ -d "$libraries" ] || skip "./setup test fetches the libraries of 64-bit ARM to $libraries"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
readonly folder=usr/lib/aarch64-linux-gnu
compile () {
  aarch64-linux-gnu-gcc -std=gnu17 -O2 -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE -DENGINE_HAVE_NEON -I. -I"$libraries/usr/include" \
    -I"$libraries/usr/include/glib-2.0" -I"$libraries/$folder/glib-2.0/include" "$@"
}
compile_kernels () {
  local name=$1 file; shift
  for file in neon neon-matmul; do
    compile -O3 "$@" -c "engine/kernels/$file.c" -o "$work/$name-$file.o"
  done
}
emulate () {
  local processor=$1 test=$2
  qemu-aarch64 -cpu "$processor" -L "$libraries" -E LD_LIBRARY_PATH="$libraries/$folder:$libraries/lib/aarch64-linux-gnu" \
    -E CK_DEFAULT_TIMEOUT=300 "$work/$test"
}

compile_kernels neon
compile_kernels neon-dotprod -march=armv8.2-a+dotprod
for test in test_kernels test_attention; do
  compile "$work"/*.o engine/kernels/portable{,-matmul}.c \
    engine/{quant,matmul,attention,cpu,threads,kv-cache,quant-encode,quant-fit,error}.c "tests/engine/$test.c" \
    -L"$libraries/$folder" -L"$libraries/lib/aarch64-linux-gnu" \
    -Wl,-rpath-link,"$libraries/$folder:$libraries/lib/aarch64-linux-gnu" \
    -lgio-2.0 -lgobject-2.0 -lglib-2.0 -lcheck -lsubunit -lm -o "$work/$test"
done
emulate cortex-a53 test_kernels | tee "$work/plain"
emulate neoverse-n1 test_kernels | tee "$work/dotprod"
emulate neoverse-n1 test_attention
grep -q "cannot run the neon-dotprod kernels" "$work/plain"
! grep -q "cannot run the neon" "$work/dotprod"
