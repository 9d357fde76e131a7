//! What is good comes out as it went in.

use lanspread_protocol::Blake3Hash;

use super::making::{self, Item, file};
use super::*;
use crate::disk::testing::noise;
use crate::unpack::{Looks, declared_bytes, look};

fn items() -> Vec<Item> {
    vec![
        Item::Folder("void/deep"),
        file("readme.txt", b"Hello."),
        file("empty", b""),
        file("data/big", &noise("big", 300_000)),
        file("data/zeros", &vec![0; 500_000]),
        file("data/text", &b"lorem ipsum dolor sit amet ".repeat(10_000)),
        file("Ünï cödé/日本 語.txt", b"x"),
        file("script", b"#!/bin/sh\n"),
        Item::Program("bin/game", b"no mark of its own".to_vec()),
    ]
}

fn is_executable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o100 != 0
    }
    #[cfg(not(unix))]
    {
        path.is_file()
    }
}

#[test]
fn every_format_comes_out_as_it_went_in() {
    for made in Made::ALL {
        let items: Vec<_> = items()
            .into_iter()
            // Before RAR 2.9 names had a code page that nobody can know.
            .filter(|item| made != Made::Rar2 || !matches!(item, Item::File(name, _) if !name.is_ascii()))
            .collect();
        let bench = Bench::of(made, &items);
        assert_eq!(look(&bench.archive).unwrap(), Looks::Archive, "{made:?}");
        let files = bench.unpack().unwrap_or_else(|error| panic!("{made:?}: {error}"));
        let mut total = 0;
        for item in &items {
            let (Item::File(name, content) | Item::Program(name, content)) = item else { continue };
            assert!(bench.target.get(name) == *content, "{made:?}: {name}");
            let told = files.iter().find(|file| file.path.as_str() == *name).unwrap();
            assert_eq!((told.bytes, told.hash), (content.len() as u64, Blake3Hash::of(content)));
            total += told.bytes;
        }
        assert_eq!(files.len(), items.len() - 1, "{made:?}");
        assert!(bench.target.path().join("void/deep").is_dir(), "{made:?}");
        let declared = declared_bytes(&bench.archive).unwrap();
        let is_packed_tar = matches!(made, Made::TarGz | Made::TarXz | Made::TarZstd);
        assert_eq!(declared, (!is_packed_tar).then_some(total), "{made:?}");
        assert!(is_executable(&bench.target.path().join("script")), "{made:?}");
        assert!(made == Made::Rar2 || is_executable(&bench.target.path().join("bin/game")), "{made:?}");
        assert!(cfg!(windows) || !is_executable(&bench.target.path().join("readme.txt")), "{made:?}");
    }
}

#[test]
fn many_small_files_and_an_empty_archive_are_unpacked() {
    let names: Vec<&'static str> =
        (0..5_000).map(|nth| &*Box::leak(format!("d{}/f{nth}", nth % 50).into_boxed_str())).collect();
    let items: Vec<_> = names.iter().map(|name| file(name, name.as_bytes())).collect();
    for made in [Made::SolidSevenZip, Made::StoredRar5] {
        let bench = Bench::of(made, &items);
        assert_eq!(bench.unpack().unwrap().len(), 5_000, "{made:?}");
        assert_eq!(bench.target.get(names[4_321]), names[4_321].as_bytes());
    }
    assert_eq!(Bench::of(Made::Zip, &[]).unpack().unwrap(), []);
    assert_eq!(Bench::of(Made::SevenZip, &[]).unpack().unwrap(), []);
}

#[test]
fn what_is_there_is_replaced_and_the_rest_stays() {
    for made in [Made::Zip, Made::SevenZip, Made::Tar, Made::Rar5] {
        let bench = Bench::of(made, &[file("a", b"new"), file("d/b", b"new"), Item::Folder("d")]);
        bench.target.put("a", b"older and longer");
        bench.target.put("d/mine", b"mine");
        bench.unpack().unwrap();
        bench.unpack().unwrap();
        assert_eq!(bench.target.get("a"), b"new");
        assert_eq!(bench.target.get("d/mine"), b"mine");
    }
}

#[test]
fn links_inside_become_copies() {
    let items = [
        Item::Link("bin/1-latest", "./2-alias"),
        Item::Link("bin/2-alias", "../lib/real"),
        file("lib/real", b"content"),
    ];
    for made in [Made::Zip, Made::SevenZip, Made::Tar, Made::Rar4, Made::Rar5] {
        let bench = Bench::of(made, &items);
        let told = bench.unpack().unwrap_or_else(|error| panic!("{made:?}: {error}"));
        assert_eq!(told.len(), 3, "{made:?}");
        for name in ["bin/1-latest", "bin/2-alias"] {
            assert_eq!(bench.target.get(name), b"content", "{made:?}");
            assert!(fs::symlink_metadata(bench.target.path().join(name)).unwrap().is_file());
        }
    }
}

#[test]
fn hard_links_names_with_dots_and_times_of_tar_are_kept() {
    let mut builder = tar::Builder::new(Vec::new());
    let folder = making::tar_header("./", tar::EntryType::Directory, 0o755, 0, "");
    builder.append(&folder, &b""[..]).unwrap();
    let real = making::tar_header("./real", tar::EntryType::Regular, 0o644, 3, "");
    builder.append(&real, &b"abc"[..]).unwrap();
    let link = making::tar_header("./sub/link", tar::EntryType::Link, 0o644, 0, "./real");
    builder.append(&link, &b""[..]).unwrap();
    let bench = Bench::new(&builder.into_inner().unwrap());
    bench.unpack().unwrap();
    assert_eq!(bench.target.get("sub/link"), b"abc");
    let modified = fs::metadata(bench.target.path().join("real")).unwrap().modified().unwrap();
    let seconds = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(seconds, 1_000_000_000);
}

#[test]
fn names_of_windows_tools_are_understood() {
    let items = [file("data\\maps\\dm1", b"map"), Item::Folder("void\\")];
    let bench = Bench::of(Made::Zip, &items);
    bench.unpack().unwrap();
    assert_eq!(bench.target.get("data/maps/dm1"), b"map");
    assert!(bench.target.path().join("void").is_dir());
}

#[test]
fn an_archive_in_several_files_is_one() {
    for (version, first, name) in [
        (rars::ArchiveVersion::Rar50, "game.part1.rar", "part"),
        (rars::ArchiveVersion::Rar40, "game.rar", "r"),
    ] {
        let content = noise("volumes", 250_000);
        let builder = rars::Builder::new(version).volume_size(Some(60_000));
        let builder = making::rar_with(builder, &[file("big", &content)]);
        let volumes = builder.build_volumes(None).unwrap();
        assert!(volumes.len() > 3);
        let bench = Bench::new(b"");
        let path = |nth: usize| match (name, nth) {
            ("part", nth) => bench.folder.path().join(format!("game.part{}.rar", nth + 1)),
            (_, 0) => bench.folder.path().join("game.rar"),
            (_, nth) => bench.folder.path().join(format!("game.r{:02}", nth - 1)),
        };
        for (nth, bytes) in volumes.iter().enumerate() {
            fs::write(path(nth), bytes).unwrap();
        }
        let unpack = |nth| unpack_into(&path(nth), bench.target.path(), &LIMITS, &Cancel::new());
        assert_eq!(path(0), bench.folder.path().join(first));
        unpack(0).unwrap();
        assert!(bench.target.get("big") == content);
        assert_eq!(look(&path(0)).unwrap(), Looks::Archive, "{version:?}");
        assert_eq!(look(&path(1)).unwrap(), Looks::LaterVolume, "{version:?}");
        assert!(matches!(unpack(1), Err(UnpackError::LaterVolume { .. })), "{version:?}");

        fs::remove_file(path(2)).unwrap();
        let error = unpack(0).unwrap_err();
        assert!(matches!(&error, UnpackError::MissingVolume { volume, .. } if *volume == path(2)), "{error}");
    }
}

#[test]
fn a_zip_s_younger_methods_are_read_and_checked() {
    let content = [noise("z", 300_000), b"lorem ipsum ".repeat(30_000)].concat();
    let lzma = making::lzma(&content);
    let packed = [
        (14, [&[9, 20, 5, 0][..], &lzma[..5], &lzma[13..]].concat()),
        (93, making::zstd(&content)),
        (95, making::xz(&content)),
    ];
    for (method, packed) in packed {
        let bench = Bench::new(&making::zip_of_one("data/big", method, &packed, &content));
        let files = bench.unpack().unwrap_or_else(|error| panic!("{method}: {error}"));
        assert!(bench.target.get("data/big") == content, "{method}");
        assert_eq!((files.len(), declared_bytes(&bench.archive).unwrap()), (1, Some(content.len() as u64)));

        let other = [&content[1..], b"x"].concat();
        let bench = Bench::new(&making::zip_of_one("data/big", method, &packed, &other));
        let error = bench.unpack().unwrap_err();
        assert!(error.to_string().contains("at “data/big”: a checksum does not fit"), "{method}: {error}");
        let bench =
            Bench::new(&making::zip_of_one("data/big", method, &packed[..packed.len() / 2], &content));
        assert!(matches!(bench.unpack(), Err(UnpackError::Broken { .. })), "{method}");
        let bench = Bench::new(&making::zip_of_one("data/big", method, b"nonsense of any kind", &content));
        assert!(matches!(bench.unpack(), Err(UnpackError::Broken { .. })), "{method}");
    }
    let mut greedy = [&[9, 20, 5, 0][..], &lzma[..5], &lzma[13..]].concat();
    greedy[5..9].copy_from_slice(&(1_u32 << 31).to_le_bytes());
    let bench = Bench::new(&making::zip_of_one("a", 14, &greedy, &content));
    let error = bench.unpack_within(&Limits { max_dictionary: 1 << 20, ..LIMITS }).unwrap_err();
    assert!(matches!(error, UnpackError::Dictionary { .. }), "{error}");
    let bench = Bench::new(&making::zip_of_one("a", 98, b"PPMd", b"x"));
    let error = bench.unpack().unwrap_err();
    assert!(matches!(error, UnpackError::Unsupported { .. }), "{error:?}");
}

#[test]
fn only_archives_are_archives() {
    let tree = Tree::new(&[
        ("text", b"PK is no mark"),
        ("empty", b""),
        ("zeros", &[0; 2_000]),
        ("noise.rar", &noise("x", 5_000)),
        ("text.gz", &making::gz(b"only text")),
        ("text.xz", &making::xz(&b"only text ".repeat(100))),
        ("text.zst", &making::zstd(&b"only text ".repeat(100))),
    ]);
    for entry in fs::read_dir(tree.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(look(&path).unwrap(), Looks::Other, "{}", path.display());
        let error = unpack_into(&path, tree.path(), &LIMITS, &Cancel::new()).unwrap_err();
        assert!(matches!(error, UnpackError::NotAnArchive { .. }), "{error}");
        assert!(declared_bytes(&path).is_err());
    }
    assert_eq!(look(tree.path()).unwrap(), Looks::Other);
    assert!(look(&tree.path().join("none")).is_err());
}

#[test]
fn frames_of_zstandard_are_one_stream() {
    let tar = making::tar(&items());
    let skipped = [&[0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let (one, two) = tar.split_at(1_000);
    let bench = Bench::new(&[&skipped[..], &making::zstd(one), &skipped, &making::zstd(two)].concat());
    assert_eq!(bench.unpack().unwrap().len(), 8);
}

#[test]
fn limits_come_from_this_pc() {
    let limits = Limits::of(Tree::new(&[]).path()).unwrap();
    assert!(limits.max_bytes > 0 && limits.max_dictionary > 0);
    assert!(limits.max_dictionary <= 1024 * 1024 * 1024);
}
