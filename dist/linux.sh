#!/usr/bin/env bash
# Builds the stick's folder for Linux: dist/out/lanspread-VERSION-linux.tar.gz, for Debian 12, SteamOS 3 and newer.
#
# Needs Rust, a C compiler and binutils. A program runs with the C library that it was built with and newer ones, so
# build on Debian 12; on anything newer the check below fails.
set -euo pipefail
cd "$(dirname "$0")/.."
. dist/pack.sh

# Debian 12's.
newest_glibc=2.36

check_program() { # check_program FILE
    local needed
    needed=$(objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -n 1)
    [ "$(printf '%s\n' "$needed" "$newest_glibc" | sort -V | tail -n 1)" = "$newest_glibc" ] ||
        fail "${1##*/} needs glibc $needed; $newest_glibc is the newest that it may need"
}

need cargo rustup
need objdump binutils
RUSTFLAGS=${rust_flags# } cargo build --locked --profile dist -p lanspread -p lanspread-peer --bin lanspread --bin lanspread-peer
built=$target/dist
for program in lanspread lanspread-peer; do
    check_program "$built/$program"
    check_paths "$built/$program"
done

fresh_folder linux
cp "$built/lanspread" "$built/lanspread-peer" dist/stick/lanspread.desktop assets/icon/lanspread.png "$folder/"
seal
pack_tar() {
    tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        -cf - "${folder##*/}" | gzip -9n >"$1"
}
pack "$folder.tar.gz" pack_tar
