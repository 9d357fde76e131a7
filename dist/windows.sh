#!/usr/bin/env bash
# Builds the stick's folder for Windows, on Linux: dist/out/lanspread-VERSION-windows.zip.
#
# Needs Rust, a C compiler, and of Debian: gcc-mingw-w64-x86-64-win32 zip. `--build-only` leaves the two programs in
# the target folder, checked, and packs nothing. `--for-tests` does the same without the slow last step, the optimisation
# across crates: its programs are too large for the stick.
set -euo pipefail
cd "$(dirname "$0")/.."
. dist/pack.sh

triple=x86_64-pc-windows-gnu
max_bytes=25000000
# What every Windows 10 has in System32. Names in lower case.
system_dlls='advapi32|api-ms-win-[a-z0-9-]+|bcrypt|bcryptprimitives|cfgmgr32|combase|comctl32|comdlg32|crypt32|d3d12|dcomp|dwmapi|dxgi|dxva2|gdi32|imm32|iphlpapi|kernel32|ktmw32|msvcrt|netapi32|ntdll|ole32|oleaut32|opengl32|pdh|powrprof|propsys|psapi|rpcrt4|secur32|setupapi|shcore|shell32|shlwapi|uiautomationcore|user32|userenv|uxtheme|version|winmm|ws2_32'

check_program() { # check_program FILE
    local foreign size
    foreign=$(x86_64-w64-mingw32-objdump -p "$1" | sed -n 's/^\tDLL Name: //p' | tr 'A-Z' 'a-z' |
        grep -vE "^($system_dlls)\.(dll|drv)$" || true)
    [ -z "$foreign" ] || fail "${1##*/} needs what not every Windows 10 has: $(echo $foreign)"
    size=$(stat -c %s "$1")
    [ "$size" -le "$max_bytes" ] || fail "${1##*/} has $size bytes; $max_bytes are allowed"
}

need cargo rustup
need x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32
need x86_64-w64-mingw32-windres binutils-mingw-w64-x86-64

case ${1:-} in
    '' | --build-only) ;;
    --for-tests)
        max_bytes=60000000
        export CARGO_PROFILE_DIST_LTO=off CARGO_PROFILE_DIST_CODEGEN_UNITS=16
        ;;
    *) fail "there is no $1" ;;
esac

flags=$(dist/windows-std.sh)
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS="$flags$rust_flags"
cargo build --locked --profile dist --target "$triple" -p lanspread -p lanspread-peer \
    --bin lanspread --bin lanspread-peer
built=$target/$triple/dist
for program in lanspread lanspread-peer; do
    check_program "$built/$program.exe"
    check_paths "$built/$program.exe"
done
[ -z "${1:-}" ] || exit 0

need zip zip
fresh_folder windows
cp "$built/lanspread.exe" "$built/lanspread-peer.exe" "$folder/"
# For the editor of Windows.
sed -i 's/$/\r/' "$folder"/*.txt "$folder"/*.ron
seal
pack_zip() { find "${folder##*/}" -type f | sort | zip -9 -X -q -@ "$1"; }
pack "$folder.zip" pack_zip
