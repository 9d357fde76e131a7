# Shared by windows.sh and linux.sh, which source it: puts a bundle's folder together and packs it.
#
# A bundle of one commit is the same to the byte wherever it is built by the same tools: programs hold no path of this
# machine, names are sorted, and every time is that of the last commit. Packing is done twice and compared.

out=$PWD/dist/out
target=${CARGO_TARGET_DIR:-$PWD/target}
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)}
export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C

cargo_home=${CARGO_HOME:-$HOME/.cargo}
rust_flags= c_flags=
for prefix in "$PWD=." "$target=target" "$cargo_home=cargo" "$(rustc --print sysroot)=rust"; do
    case $prefix in *' '*) continue ;; esac # such a flag cannot be given by a variable
    rust_flags+=" --remap-path-prefix=$prefix"
    c_flags+=" -ffile-prefix-map=$prefix"
done
export CFLAGS="${CFLAGS:-}$c_flags"

fail() { # fail MESSAGE
    printf 'dist: %s\n' "$1" >&2
    exit 1
}

need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null || fail "$1 is not here; install it (Debian: apt install $2)"
}

check_paths() { # check_paths FILE
    if grep -aqF -e "$PWD/" -e "$cargo_home/" "$1"; then
        fail "${1##*/} holds paths of this machine: it would be another program elsewhere"
    fi
}

fresh_folder() { # fresh_folder SYSTEM: dist/out/lanspread-VERSION-SYSTEM with what every bundle has
    folder=$out/lanspread-$version-$1
    rm -rf "$folder"
    mkdir -p "$folder/licences"
    cp dist/stick/lanspread.ron dist/stick/catalog.ron dist/stick/README.txt "$folder/"
    cp LICENSE-MIT LICENSE-APACHE assets/fonts/*-LICENSE.txt "$folder/licences/"
}

seal() { # checksums of all, and one time for all
    (cd "$folder" && find . -type f ! -name SHA256SUMS | sort | sed 's|^\./||' | tr '\n' '\0' |
        xargs -0 sha256sum >SHA256SUMS)
    find "$folder" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

pack() { # pack FILE COMMAND…: the command writes the archive to the path that is its last argument
    local file=$1 again
    shift
    again=$out/again.${file##*/}
    rm -f "$file" "$again"
    (cd "$out" && "$@" "$file" && "$@" "$again") || fail "packing failed"
    cmp "$file" "$again" || fail "packing the same files twice gave two archives"
    rm "$again"
    (cd "$out" && sha256sum "${file##*/}" >"${file##*/}.sha256")
    printf '%s\n' "$file"
    (cd "$folder" && find . -type f -printf '%10s  %P\n' | sort -k2)
    stat -c '%10s  %n' "$file"
}
