#!/usr/bin/env bash
# Prints the flags that give rustc a standard library for x86_64-pc-windows-gnu, made first where there is none yet.
#
# Rustup adds it where its server can be reached; else it is built here, from Debian's package of the same version's
# source, into target/windows-std/, without a change to the machine's package lists or toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."

triple=x86_64-pc-windows-gnu
target=${CARGO_TARGET_DIR:-$PWD/target}
version=$(rustc --version | cut -d' ' -f2)
sysroot=$target/windows-std/$version
# Where Debian has this version's source: the package's version, and the suite.
source_package=rust-src=1.95.0+dfsg1-2~bpo13+1
source_suite=trixie-backports

own_std=$(rustc --print sysroot)/lib/rustlib/$triple/lib
if ! [ -d "$own_std" ] && ! [ -d "$sysroot" ] && command -v rustup >/dev/null; then
    timeout 60 rustup target add "$triple" >&2 || echo "rustup has no $triple here: it is built" >&2
fi
if [ -d "$own_std" ]; then
    exit 0 # no flag is needed
fi

download_source() { # download_source FOLDER: by private package lists
    local folder=$1 options
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    sed -n '/debian$/p; /debian\/$/p; s/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null |
        grep -m1 -o '[a-z+]*://[^ ]*debian/*$' >"$folder/mirror" ||
        awk '$1 == "deb" && /debian\/? / { for (i = 2; i < NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' \
            /etc/apt/sources.list >"$folder/mirror"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(cat "$folder/mirror") $source_suite main" \
        >"$folder/sources.list"
    options=(-o "Dir::Etc::SourceList=$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User="$(id -un)")
    apt-get "${options[@]}" update -qq >&2
    (cd "$folder" && apt-get "${options[@]}" download -qq "$source_package" >&2 && dpkg -x rust-src_*.deb source)
}

build() { # build FOLDER: the standard library's crates, and the two objects that rustc links around a program
    local folder=$1 library=$1/source/usr/src/rustc-$version/library made=$1/made/lib/rustlib/$triple/lib object
    mkdir -p "$folder/empty/src" "$made"
    printf '#![no_std]\n' >"$folder/empty/src/lib.rs"
    printf '[package]\nname = "empty"\nedition = "2024"\n[profile.release]\ncodegen-units = 1\n[workspace]\n' \
        >"$folder/empty/Cargo.toml"
    (cd "$folder/empty" && CARGO_TARGET_DIR=$folder/build RUSTC_BOOTSTRAP=1 __CARGO_TESTS_ONLY_SRC_ROOT=$library \
        RUSTFLAGS="-Cembed-bitcode=yes --remap-path-prefix=$folder=rust-std" cargo build --release --target "$triple" \
        -Z build-std=std,panic_unwind,panic_abort,proc_macro,test >&2)
    cp "$folder/build/$triple/release/deps/"*.rlib "$made/"
    rm "$made"/libempty-*.rlib
    for object in rsbegin rsend; do
        RUSTC_BOOTSTRAP=1 rustc --target "$triple" --emit=obj -o "$made/$object.o" "$library/rtstartup/$object.rs" >&2
    done
}

if ! [ -d "$sysroot" ]; then
    folder=$target/windows-std/making
    rm -rf "$folder"
    mkdir -p "$folder"
    download_source "$folder"
    build "$folder"
    mv "$folder/made" "$sysroot"
    rm -rf "$folder"
fi
echo "--sysroot=$sysroot"
