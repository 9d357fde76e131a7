//! What would do harm is refused by name, and nothing of it is written outside.

use super::making::{self, Item, file};
use super::*;
use crate::disk::DiskErrorKind;

/// Same length as every hostile name that is patched over it.
const HARMLESS: &str = "aaaaaaaaaa";

const HOSTILE: [&str; 11] = [
    "../outside",
    "a/../../xy",
    "/absolute1",
    "C:/drive-a",
    "C:drive-ab",
    "stream.a:b",
    "x/nul.text",
    "com1.hallo",
    "dot-at-end.",
    ".lanspread/x",
    ".Lanspread_Owned",
];

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    };
    !bytes.iter().fold(!0, step)
}

/// A RAR 5 whose one member has a name that its writer would refuse.
fn rar5_with_name(name: &str) -> Vec<u8> {
    let placeholder = "a".repeat(name.len());
    let mut builder = rars::Builder::new(rars::ArchiveVersion::Rar50).store(true);
    builder.add_bytes(placeholder.clone().into(), b"x".to_vec(), None, None).unwrap();
    let mut bytes = builder.to_bytes().unwrap();
    let at = bytes.windows(name.len()).position(|window| window == placeholder.as_bytes()).unwrap();
    for start in 8..at {
        let length = usize::from(bytes[start + 4]);
        let header = start + 4..start + 5 + length;
        let holds_name = length < 0x80 && header.contains(&at) && header.end <= bytes.len();
        if holds_name && bytes[start..start + 4] == crc32(&bytes[header.clone()]).to_le_bytes() {
            bytes[at..at + name.len()].copy_from_slice(name.as_bytes());
            let crc = crc32(&bytes[header]);
            bytes[start..start + 4].copy_from_slice(&crc.to_le_bytes());
            return bytes;
        }
    }
    panic!("no header holds the name");
}

#[test]
fn a_name_that_leads_out_or_cannot_exist_is_refused_and_named() {
    for name in HOSTILE {
        let archives = Made::WITH_ANY_NAMES.map(|made| made.archive(&[file("good", b"x"), file(name, b"x")]));
        for bytes in archives.into_iter().chain([rar5_with_name(name)]) {
            let bench = Bench::new(&bytes);
            let message = bench.refusal();
            assert!(message.contains(&format!("“{name}” has a name that is not allowed")), "{message}");
            let left = bench.target.contents();
            assert!(left.is_empty() || left.keys().eq(["good"]), "{left:?}");
            assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 1, "nothing outside");
        }
    }
    assert!(Bench::new(&rar5_with_name(HARMLESS)).unpack().is_ok());
}

#[test]
fn names_that_clash_are_refused() {
    for made in Made::WITH_ANY_NAMES.into_iter().chain([Made::Rar4, Made::Rar5]) {
        for (one, two, reason) in [
            ("Data/x", "data/y", "is the same as “Data” where case or accents do not count"),
            ("\u{e9}", "e\u{301}", "is the same as"),
            ("a", "a/b", "is a file and a folder"),
            ("a/b", "a", "is a file and a folder"),
        ] {
            let message = Bench::of(made, &[file(one, b"1"), file(two, b"2")]).refusal();
            assert!(message.contains(&format!("“{two}” {reason}")), "{made:?}: {message}");
        }
    }
}

#[test]
fn links_that_lead_nowhere_or_out_are_refused() {
    for made in [Made::Zip, Made::SevenZip, Made::Tar, Made::Rar4, Made::Rar5] {
        for target in ["../outside", "/etc/passwd", "none", "folder", "a/link", "C:\\x", "folder/../../x"] {
            let items = [Item::Link("a/link", target), file("folder/x", b"x")];
            let bench = Bench::of(made, &items);
            fs::write(bench.target.path().join("../outside"), "secret").unwrap();
            let message = bench.refusal();
            let said = format!("“a/link” is a link to “{target}”, which is no file in the folder");
            assert!(message.contains(&said), "{made:?}: {message}");
            assert!(!bench.target.has("a/link"));
            fs::remove_file(bench.target.path().join("../outside")).unwrap();
        }
        let circle = [Item::Link("a", "b"), Item::Link("b", "a")];
        assert!(Bench::of(made, &circle).refusal().contains("“a” is a link to “b”"));
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    use std::os::unix::fs::symlink;
    for made in [Made::Zip, Made::SevenZip, Made::Tar, Made::Rar5] {
        // By a link of the archive's own.
        let outside = Tree::new(&[("victim", b"mine")]);
        let items = [Item::Link("d", "/tmp"), file("d/x", b"x")];
        assert!(Bench::of(made, &items).refusal().contains("is a file and a folder"), "{made:?}");
        // By one that is there already.
        let bench = Bench::of(made, &[file("d/victim", b"x")]);
        symlink(outside.path(), bench.target.path().join("d")).unwrap();
        assert!(bench.refusal().contains("is in the way"), "{made:?}");
        let bench = Bench::of(made, &[file("victim", b"x")]);
        symlink(outside.path().join("victim"), bench.target.path().join("victim")).unwrap();
        bench.unpack().unwrap();
        assert_eq!((bench.target.get("victim"), outside.get("victim")), (b"x".to_vec(), b"mine".to_vec()));
        // Links of the archive lead through none, either.
        let bench = Bench::of(made, &[Item::Link("copy", "d/victim")]);
        symlink(outside.path(), bench.target.path().join("d")).unwrap();
        assert!(bench.refusal().contains("which is no file in the folder"), "{made:?}");
    }
}

#[test]
fn a_folder_in_a_files_place_is_left_alone() {
    for made in [Made::Zip, Made::SevenZip, Made::Tar, Made::Rar5] {
        let bench = Bench::of(made, &[file("a", b"x")]);
        bench.target.put("a/mine", b"mine");
        assert!(matches!(bench.unpack(), Err(UnpackError::InTheWay { .. })));
        let bench = Bench::of(made, &[file("a/b", b"x")]);
        bench.target.put("a", b"mine");
        assert!(matches!(bench.unpack(), Err(UnpackError::InTheWay { .. })));
        assert_eq!(bench.target.get("a"), b"mine");
    }
}

#[test]
fn devices_are_refused() {
    for kind in [tar::EntryType::Char, tar::EntryType::Block, tar::EntryType::Fifo] {
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&making::tar_header("dev", kind, 0o644, 0, ""), &b""[..]).unwrap();
        let message = Bench::new(&builder.into_inner().unwrap()).refusal();
        assert!(message.contains("“dev” is neither file, folder nor link"), "{message}");
    }
}

#[test]
fn a_bomb_ends_where_the_room_ends() {
    let zeros = vec![0; 3_000_000];
    for made in Made::ALL {
        let bench = Bench::of(made, &[file("a", b"x"), file("bomb", &zeros)]);
        let limits = Limits { max_bytes: 1_000_000, ..LIMITS };
        let error = bench.unpack_within(&limits).unwrap_err();
        assert!(matches!(error, UnpackError::TooLarge { most: 1_000_000, .. }), "{made:?}: {error}");
        assert_eq!(error.kind(), DiskErrorKind::NoSpace);
        let exact = Limits { max_bytes: 3_000_001, ..LIMITS };
        bench.unpack_within(&exact).unwrap_or_else(|error| panic!("{made:?}: {error}"));
        let limits = Limits { max_files: 1, ..LIMITS };
        assert!(matches!(bench.unpack_within(&limits), Err(UnpackError::TooManyFiles { .. })), "{made:?}");
    }
}

#[test]
fn a_header_that_grows_without_end_is_refused() {
    // A long name of 30 MB, packed into a few kB.
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(30_000_000);
    header.set_cksum();
    builder.append(&header, &*vec![b'a'; 30_000_000]).unwrap();
    let bench = Bench::new(&making::gz(&builder.into_inner().unwrap()));
    assert!(bench.refusal().contains("a member's header is too long"));
}

#[test]
fn a_dictionary_larger_than_what_can_be_spared_is_refused() {
    let content = b"lorem ipsum ".repeat(10_000);
    for made in [Made::TarXz, Made::SevenZip, Made::Rar5] {
        let bench = Bench::of(made, &[file("a", &content)]);
        let limits = Limits { max_dictionary: 1024, ..LIMITS };
        match (made, bench.unpack_within(&limits)) {
            (_, Err(UnpackError::Dictionary { most: 1024, .. })) => {}
            // What decoders of LZMA take besides a dictionary is more than these archives' small ones.
            (Made::TarXz | Made::SevenZip, Ok(_)) => {}
            (_, result) => panic!("{made:?}: {result:?}"),
        }
    }
    let options = sevenz_rust2::encoder_options::Lzma2Options::from_level_mt(9, 1, 1 << 26);
    let mut writer = sevenz_rust2::ArchiveWriter::new(std::io::Cursor::new(Vec::new())).unwrap();
    writer.set_content_methods(vec![options.into()]);
    writer.push_archive_entry(sevenz_rust2::ArchiveEntry::new_file("a"), Some(&content[..])).unwrap();
    let bench = Bench::new(&writer.finish().unwrap().into_inner());
    let limits = Limits { max_dictionary: 1 << 20, ..LIMITS };
    assert!(matches!(bench.unpack_within(&limits), Err(UnpackError::Dictionary { .. })));
    bench.unpack().unwrap();
}

#[test]
fn what_needs_a_password_says_so() {
    use rars::ArchiveVersion::{Rar40, Rar50};
    use std::io::Write as _;
    for version in [Rar40, Rar50] {
        for headers in [false, true] {
            let builder =
                rars::Builder::new(version).password(Some(b"pw".to_vec())).header_encryption(headers);
            let bytes = making::rar_with(builder, &[file("a", b"secret")]).to_bytes().unwrap();
            let bench = Bench::new(&bytes);
            let said =
                if headers { "is protected by a password" } else { "is protected by a password at “a”" };
            assert_eq!(bench.refusal(), said, "{version:?}");
        }
    }
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().with_aes_encryption(zip::AesMode::Aes256, "pw");
    writer.start_file("a", options).unwrap();
    writer.write_all(b"secret").unwrap();
    let bench = Bench::new(&writer.finish().unwrap().into_inner());
    assert_eq!(bench.refusal(), "is protected by a password at “a”");

    for headers in [false, true] {
        let aes = sevenz_rust2::encoder_options::AesEncoderOptions::new("pw".into());
        let mut writer = sevenz_rust2::ArchiveWriter::new(std::io::Cursor::new(Vec::new())).unwrap();
        writer.set_content_methods(vec![aes.into(), sevenz_rust2::EncoderMethod::LZMA2.into()]);
        writer.set_encrypt_header(headers);
        writer.push_archive_entry(sevenz_rust2::ArchiveEntry::new_file("a"), Some(&b"secret"[..])).unwrap();
        let bench = Bench::new(&writer.finish().unwrap().into_inner());
        let said =
            if headers { "is protected by a password" } else { "is protected by a password at “a”" };
        assert_eq!(bench.refusal(), said);
    }
}
