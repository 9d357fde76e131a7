//! What is cut off, changed or stopped ends as an error, never as a panic or as half a success.

use super::making::{self, Item, file};
use super::*;
use crate::disk::DiskError;
use crate::disk::testing::noise;

fn items() -> Vec<Item> {
    vec![
        file("a", b"first"),
        file("data/noise", &noise("damaged", 20_000)),
        file("data/text", &b"lorem ipsum ".repeat(2_000)),
        Item::Folder("void"),
        file("last", b"last"),
    ]
}

#[test]
fn a_truncated_archive_is_an_error_wherever_it_ends() {
    for made in Made::ALL {
        let bytes = made.archive(&items());
        let complete = Bench::new(&bytes);
        complete.unpack().unwrap();
        let tenths = (1..10).map(|tenth| bytes.len() * tenth / 10);
        let at_the_end = (1..10).map(|cut| 3 * cut).map(|cut| bytes.len() - cut);
        for length in tenths.chain(at_the_end) {
            let bench = Bench::new(&bytes[..length]);
            if bench.unpack().is_ok() {
                // Nothing of the content was cut, but zeros at the end; or the cut is between two members of a
                // format that needs no end.
                let (unpacked, expected) = (bench.target.contents(), complete.target.contents());
                let has_no_end = matches!(made, Made::Rar2 | Made::Rar4 | Made::SolidRar4);
                let is_part = unpacked.iter().all(|(name, content)| expected.get(name) == Some(content));
                let is_fine = if has_no_end { is_part } else { unpacked == expected };
                assert!(is_fine, "{made:?} cut at {length} of {}: {unpacked:?}", bytes.len());
            }
        }
    }
}

#[test]
fn an_archive_cut_between_two_members_is_an_error() {
    for made in [Made::Tar, Made::Rar5] {
        let bytes = made.archive(&items());
        for length in 0..bytes.len() - 40 {
            // Many places among the small headers, a few for the large contents.
            if !(length < 600 && length % 7 == 0 || length % 512 == 0) {
                continue;
            }
            let bench = Bench::new(&bytes[..length]);
            let result = bench.unpack();
            let end_of_tar = made == Made::Tar && bytes[length..].iter().all(|byte| *byte == 0);
            assert!(result.is_err() || end_of_tar, "{made:?} cut at {length} of {}", bytes.len());
        }
    }
}

#[test]
fn a_changed_byte_is_an_error_or_changes_no_content() {
    for made in Made::ALL {
        let bytes = made.archive(&items());
        let complete = Bench::new(&bytes);
        complete.unpack().unwrap();
        for nth in 0..60 {
            let mut changed = bytes.clone();
            changed[bytes.len() * nth / 60] ^= 0x41;
            let bench = Bench::new(&changed);
            if bench.unpack().is_err() || made == Made::Tar {
                continue;
            }
            // Names are covered by no checksum in ZIP; contents are everywhere.
            let sorted = |tree: &Tree| {
                let mut contents: Vec<_> = tree.contents().into_values().collect();
                contents.sort();
                contents
            };
            let (found, expected) = (sorted(&bench.target), sorted(&complete.target));
            assert!(found.iter().all(|content| expected.contains(content)), "{made:?}, byte {nth} of 60");
        }
    }
}

#[test]
fn an_error_names_the_archive_and_the_member() {
    for made in [Made::StoredZip, Made::StoredRar5] {
        let mut bytes = made.archive(&items());
        let content = noise("damaged", 20_000);
        let at = bytes.windows(64).position(|window| *window == content[..64]).unwrap();
        bytes[at] ^= 1;
        let message = Bench::new(&bytes).refusal();
        assert!(message.starts_with("is damaged or incomplete at “data/noise”: "), "{made:?}: {message}");
    }
}

#[test]
fn a_cancel_at_every_look_ends_it() {
    for made in Made::ALL {
        let mut items = items();
        if !made.is_rar() || made == Made::Rar5 {
            items.push(Item::Link("link", "last"));
        }
        let bench = Bench::of(made, &items);
        let mut looks = 0;
        loop {
            looks += 1;
            let target = Tree::new(&[]);
            match unpack_into(&bench.archive, target.path(), &LIMITS, &Cancel::at_look(looks)) {
                Err(UnpackError::Disk(DiskError::Cancelled)) => {}
                Err(error) => panic!("{made:?}, look {looks}: {error}"),
                Ok(_) => break,
            }
        }
        assert!(looks > 10, "{made:?} looked only {looks} times");
    }
}

#[test]
fn an_error_of_the_caller_ends_it() {
    for made in Made::ALL {
        let bench = Bench::of(made, &items());
        let mut told = 0;
        let result = unpack(
            &bench.archive,
            bench.target.path(),
            &LIMITS,
            &Cancel::new(),
            &Progress::new(),
            &mut |file| {
                told += 1;
                if told == 2 { Err(DiskError::Changed { path: file.path.as_str().into() }) } else { Ok(()) }
            },
        );
        assert!(matches!(result, Err(UnpackError::Disk(DiskError::Changed { .. }))), "{made:?}");
        assert_eq!(told, 2);
    }
}

#[test]
fn a_read_only_folder_is_the_disks_error() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let bench = Bench::of(Made::Zip, &[file("sub/a", b"x")]);
        fs::set_permissions(bench.target.path(), fs::Permissions::from_mode(0o555)).unwrap();
        // Root may write everywhere.
        if let Err(error) = bench.unpack() {
            assert_eq!(error.kind(), crate::disk::DiskErrorKind::AccessDenied, "{error}");
        }
        fs::set_permissions(bench.target.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn trailing_zeros_after_a_tar_are_fine() {
    let mut tar = making::tar(&items());
    tar.resize(tar.len() + 20_000, 0);
    for bytes in [tar.clone(), making::gz(&tar), making::xz(&tar), making::zstd(&tar)] {
        assert_eq!(Bench::new(&bytes).unpack().unwrap().len(), 4);
    }
}
