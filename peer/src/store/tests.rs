//! Stories of downloads, updates and repairs; each ends with the folder compared file by file.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use lanspread_protocol::message::WantedUnit;
use lanspread_protocol::{Manifest, UnitIndex, UnitSet, Version};

use super::{Mode, Opened, PayloadStore};
use crate::disk::testing::{Tree, describe, noise, unit_bytes};
use crate::disk::{Cancel, DiskError, DiskErrorKind, Progress};
use crate::transaction::{self, Extras, Known, Recovered};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn open(home: &Tree, manifest: &Arc<Manifest>, mode: Mode) -> Opened {
    PayloadStore::open(home.folder(), Arc::clone(manifest), mode, &Cancel::new(), &Progress::new()).unwrap()
}

/// A payload with large and small files, repeated chunks, empty things and names from everywhere.
fn source() -> Tree {
    let big = noise("big", 3_000_000);
    let tree = Tree::new(&[
        ("version.ini", b"1.0\nmore"),
        ("data/big.pak", &big),
        ("data/same.pak", &big),
        ("data/other.pak", &[&noise("head", 700_000)[..], &big[..1_500_000]].concat()),
        ("Spiel der Könige/größe ñ.txt", &noise("small", 1_000)),
        ("run.sh", b"#!/bin/sh\n"),
        ("empty", b""),
        ("zeros", &vec![0; 5_000_000]),
    ]);
    fs::create_dir_all(tree.path().join("saves/slot 1")).unwrap();
    tree
}

/// A reproducible order that is not the manifest's.
fn shuffle(units: &mut [WantedUnit], seed: u32) {
    units
        .sort_by_key(|want| blake3::hash(&[want.unit.0.to_le_bytes(), seed.to_le_bytes()].concat()).to_hex());
}

/// Writes units and returns what became complete.
fn feed(store: &PayloadStore, source: &Tree, units: &[WantedUnit]) -> UnitSet {
    let mut complete = UnitSet::new();
    for wanted in units {
        let bytes = unit_bytes(source.path(), store.manifest(), wanted);
        for unit in store.write_unit(wanted, &bytes).unwrap() {
            assert!(complete.insert(unit), "{unit:?} became complete twice");
        }
    }
    complete
}

fn bytes_of(units: &[WantedUnit], source: &Tree, manifest: &Manifest) -> u64 {
    units.iter().map(|wanted| unit_bytes(source.path(), manifest, wanted).len() as u64).sum()
}

/// Fetches all that is wanted and finishes.
fn complete(home: &Tree, source: &Tree, opened: &Opened) {
    let mut wanted = opened.wanted.clone();
    shuffle(&mut wanted, 7);
    let mut units = opened.units.clone();
    units.extend(feed(&opened.store, source, &wanted).iter());
    assert_eq!(units, UnitSet::full(opened.store.manifest().units().len()));
    opened.store.finish(&version("1.0"), &Cancel::new()).unwrap();
    assert_eq!(home.contents(), source.contents());
    assert!(!home.folder().parts().exists());
}

#[test]
fn a_download_in_any_order_gives_the_source() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    let opened = open(&home, &manifest, Mode::Fresh);
    assert!(opened.units.is_empty());
    assert_eq!(opened.bytes_missing, opened.bytes_total);
    assert_eq!(bytes_of(&opened.wanted, &source, &manifest), opened.bytes_missing);
    assert!(opened.bytes_total < manifest.total_bytes() - 4_000_000, "repeated chunks count once");
    let early = opened.store.finish(&version("1.0"), &Cancel::new()).unwrap_err();
    assert!(matches!(early, DiskError::Incomplete { .. }), "{early}");
    complete(&home, &source, &opened);
    assert_eq!(*crate::disk::manifests::read_beside(&home.folder()).unwrap().encode(), *manifest.encode());
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let metadata = |path: &str| fs::metadata(home.path().join(path)).unwrap();
        assert_eq!(metadata("run.sh").permissions().mode() & 0o100, 0o100);
        assert_eq!(metadata("data/big.pak").permissions().mode() & 0o111, 0);
        assert!(metadata("zeros").blocks() * 512 < 1_000_000, "zeros take no room");
    }
}

#[test]
fn what_is_complete_is_served_and_nothing_else() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    let opened = open(&home, &manifest, Mode::Fresh);
    let store = &opened.store;
    let mut complete = UnitSet::new();
    for wanted in &opened.wanted {
        complete.extend(feed(store, &source, std::slice::from_ref(wanted)).iter());
        for unit in (0..).take(manifest.units().len()).map(UnitIndex) {
            let mut out = b"before".to_vec();
            let whole = WantedUnit::whole(unit);
            match store.read_unit(&whole, &mut out) {
                Ok(()) => assert_eq!(out[6..], unit_bytes(source.path(), &manifest, &whole)),
                Err(error) => assert!(!complete.contains(unit), "{error}"),
            }
        }
    }
    store.finish(&version("1.0"), &Cancel::new()).unwrap();
    for unit in complete.iter() {
        store.read_unit(&WantedUnit::whole(unit), &mut Vec::new()).unwrap();
    }
    let beyond = WantedUnit::whole(UnitIndex(9999));
    assert!(matches!(store.read_unit(&beyond, &mut Vec::new()), Err(DiskError::NotHere { .. })));
    assert!(matches!(store.write_unit(&opened.wanted[0], b"x"), Err(DiskError::UnitSize { .. })));
}

#[test]
fn a_unit_is_whole_once_the_rest_of_its_chunks_came() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    let opened = open(&home, &manifest, Mode::Fresh);
    let wanted_chunks = |wanted: &WantedUnit| {
        let chunks = manifest.units()[wanted.unit.as_usize()].chunks.len();
        (0..chunks).filter(|nth| wanted.wants(*nth)).collect::<Vec<_>>()
    };
    let (mut began, mut rest) = (Vec::new(), Vec::new());
    for wanted in &opened.wanted {
        let (mut first, mut others) = (wanted.clone(), wanted.clone());
        let chunks = wanted_chunks(wanted);
        for (place, nth) in chunks.iter().enumerate() {
            if place < chunks.len() / 2 { &mut others } else { &mut first }.skip_chunk(*nth);
        }
        began.push(first);
        rest.push(others);
    }
    began.retain(|wanted| !wanted_chunks(wanted).is_empty());
    assert!(!began.is_empty());
    let missing = opened.store.bytes_missing();
    let mut units = feed(&opened.store, &source, &began);
    assert_eq!(opened.store.bytes_missing(), missing - bytes_of(&began, &source, &manifest));
    units.extend(feed(&opened.store, &source, &rest).iter());
    assert_eq!(units, UnitSet::full(manifest.units().len()));
    opened.store.finish(&version("1.0"), &Cancel::new()).unwrap();
    assert_eq!(home.contents(), source.contents());
}

#[test]
fn several_threads_write_at_once_and_twice() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    let opened = open(&home, &manifest, Mode::Fresh);
    let complete = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (opened, source, complete) = (&opened, &source, &complete);
            scope.spawn(move || {
                let mut wanted = opened.wanted.clone();
                shuffle(&mut wanted, seed);
                let units = feed(&opened.store, source, &wanted);
                complete.lock().unwrap().extend(units.iter());
            });
        }
    });
    let mut complete = complete.into_inner().unwrap();
    complete.sort();
    assert_eq!(complete, (0..).take(manifest.units().len()).map(UnitIndex).collect::<Vec<_>>());
    opened.store.finish(&version("1.0"), &Cancel::new()).unwrap();
    assert_eq!(home.contents(), source.contents());
}

#[test]
fn a_store_dropped_at_any_time_goes_on_without_fetching_again() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    let mut fetched = 0;
    let mut before = u64::MAX;
    loop {
        let opened = open(&home, &manifest, Mode::Fresh);
        assert!(opened.bytes_missing < before, "{} of {before}", opened.bytes_missing);
        before = opened.bytes_missing;
        assert!(!home.has("version.ini"));
        let mut wanted = opened.wanted.clone();
        shuffle(&mut wanted, 3);
        wanted.truncate(2);
        fetched += bytes_of(&wanted, &source, &manifest);
        feed(&opened.store, &source, &wanted);
        if opened.store.bytes_missing() == 0 {
            assert!(fetched <= opened.bytes_total, "holes in part files even give zeros for nothing");
            break;
        }
    }
    let opened = open(&home, &manifest, Mode::Fresh);
    assert!(opened.wanted.is_empty());
    complete(&home, &source, &opened);
}

#[test]
fn damaged_part_files_cost_only_what_is_damaged() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    let opened = open(&home, &manifest, Mode::Fresh);
    let half = opened.wanted.len() / 2;
    feed(&opened.store, &source, &opened.wanted[..half]);
    let missing = opened.store.bytes_missing();
    drop(opened);
    let parts: Vec<_> =
        fs::read_dir(home.folder().parts()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!parts.is_empty());
    for (nth, part) in parts.iter().enumerate() {
        let mut bytes = fs::read(part).unwrap();
        match nth % 2 {
            0 => bytes.truncate(10_000),
            _ => bytes.iter_mut().take(5).for_each(|byte| *byte ^= 0xff),
        }
        fs::write(part, bytes).unwrap();
    }
    fs::write(home.folder().parts().join("something"), noise("else", 100_000)).unwrap();
    let opened = open(&home, &manifest, Mode::Fresh);
    assert!(opened.bytes_missing > missing);
    assert!(!home.folder().parts().join("something").exists());
    complete(&home, &source, &opened);
}

/// A fresh download of everything that is not finished, over what a person has there.
fn abandoned() -> (Tree, Tree) {
    let old = Tree::new(&[
        ("version.ini", b"1.0"),
        ("both.txt", b"of the old version"),
        ("data/big.pak", &noise("big", 3_000_000)),
        ("data/old/deep.txt", b"only the old version has it"),
        ("moved.txt", b"the new version has it elsewhere"),
        ("same.txt", b"the same in both"),
        ("touched.txt", b"a person writes into it"),
        ("was-here.txt", b"a person's own copy"),
    ]);
    let home = Tree::new(&[("mine.txt", b"mine"), ("was-here.txt", b"a person's own copy")]);
    let manifest = Arc::new(old.manifest());
    let opened = open(&home, &manifest, Mode::Fresh);
    let wanted = opened.wanted.len();
    feed(&opened.store, &old, &opened.wanted[..1]);
    drop(opened);
    // Killed and resumed: what was placed before is still known.
    let opened = open(&home, &manifest, Mode::Fresh);
    assert!(opened.wanted.len() < wanted);
    feed(&opened.store, &old, &opened.wanted);
    drop(opened);
    assert!(home.has("data/old/deep.txt") && home.has("data/big.pak") && !home.has("version.ini"));
    home.put("touched.txt", b"a person wrote into it");
    (home, old)
}

#[test]
fn a_download_that_another_version_overtakes_leaves_nothing_of_its_own() {
    let (home, _) = abandoned();
    let new = Tree::new(&[
        ("version.ini", b"2.0"),
        ("both.txt", b"of the new version"),
        ("data/large.pak", &noise("big", 3_000_000)),
        ("elsewhere/moved.txt", b"the new version has it elsewhere"),
        ("same.txt", b"the same in both"),
    ]);
    let manifest = Arc::new(new.manifest());
    let opened = open(&home, &manifest, Mode::Fresh);
    assert!(opened.bytes_missing < 100, "what fits is reused: {} bytes are missing", opened.bytes_missing);
    feed(&opened.store, &new, &opened.wanted);
    opened.store.finish(&version("2.0"), &Cancel::new()).unwrap();
    let mut expected = new.contents();
    for (path, content) in [
        ("mine.txt", &b"mine"[..]),
        ("touched.txt", b"a person wrote into it"),
        ("was-here.txt", b"a person's own copy"),
    ] {
        expected.insert(path.to_owned(), describe(content));
    }
    assert_eq!(home.contents(), expected);
    assert!(!home.folder().placed().exists() && !home.folder().kept().exists());
}

#[test]
fn a_cancelled_download_takes_back_what_it_has_placed() {
    let (home, _) = abandoned();
    transaction::discard(&home.folder()).unwrap();
    let left: Vec<_> = home.contents().into_keys().collect();
    assert_eq!(left, ["mine.txt", "touched.txt", "was-here.txt"]);
    assert!(!home.folder().state().exists());

    // Who removes the game means all of it, whichever version is expected now.
    let (home, _) = abandoned();
    let other = Tree::new(&[("version.ini", b"2.0"), ("same.txt", b"the same in both")]).manifest();
    let known = Known { named: vec![Arc::new(other)], proven: None };
    transaction::remove(&home.folder(), &known, Extras::Keep, &Cancel::new()).unwrap();
    assert_eq!(home.contents().into_keys().collect::<Vec<_>>(), left);

    // With a sentinel it is a payload: a cancelled update touches none of it.
    let (home, _) = abandoned();
    home.put("version.ini", b"1.0");
    let before = home.contents();
    transaction::discard(&home.folder()).unwrap();
    assert_eq!(home.contents(), before);
}

#[test]
fn a_repair_fetches_what_is_damaged_and_takes_the_sentinel_off_meanwhile() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    complete(&home, &source, &open(&home, &manifest, Mode::Fresh));
    let opened = open(&home, &manifest, Mode::Fresh);
    assert!(opened.wanted.is_empty() && home.has("version.ini"), "nothing to do, nothing changed");
    complete(&home, &source, &opened);

    // Damaged in both files that hold the chunk, and missing.
    for path in ["data/big.pak", "data/same.pak"] {
        rot(&home, path, 2_900_000);
    }
    fs::remove_file(home.path().join("run.sh")).unwrap();
    home.put("extra", b"mine");
    let opened = open(&home, &manifest, Mode::Fresh);
    assert!(!home.has("version.ini"));
    assert_eq!(opened.wanted.len(), 2, "{:?}", opened.wanted);
    assert!(opened.bytes_missing <= 1024 * 1024 + 10);
    let parts: Vec<_> = fs::read_dir(home.folder().parts()).unwrap().collect();
    assert_eq!(parts.len(), 1, "large files are repaired where they stand: {parts:?}");
    feed(&opened.store, &source, &opened.wanted);
    opened.store.finish(&version("1.0"), &Cancel::new()).unwrap();
    assert_eq!(home.get("extra"), b"mine");
    fs::remove_file(home.path().join("extra")).unwrap();
    assert_eq!(home.contents(), source.contents());
}

/// The disk gives another byte; nobody has written.
fn rot(home: &Tree, path: &str, at: usize) {
    let modified = fs::metadata(home.path().join(path)).unwrap().modified().unwrap();
    let mut bytes = home.get(path);
    bytes[at] ^= 1;
    home.put(path, &bytes);
    fs::File::options().append(true).open(home.path().join(path)).unwrap().set_modified(modified).unwrap();
}

#[test]
fn a_person_s_change_of_a_placed_file_is_kept_when_the_file_is_repaired() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    complete(&home, &source, &open(&home, &manifest, Mode::Fresh));
    let mut changed = home.get("data/big.pak");
    changed[2_900_000] ^= 1;
    home.put("data/big.pak", &changed);
    let opened = open(&home, &manifest, Mode::Fresh);
    assert!(opened.wanted.is_empty(), "the same bytes are in another file");
    opened.store.finish(&version("1.0"), &Cancel::new()).unwrap();
    assert_eq!(home.contents(), source.contents());
    assert_eq!(opened.store.kept().len(), 1);
    assert_eq!(opened.store.kept()[0].paths, ["data/big.pak"]);
    assert!(home.get(".lanspread/kept/k000001/data/big.pak") == changed);
}

#[test]
fn what_stands_in_the_way_is_replaced_or_moved_aside() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[
        ("data", b"a file where a folder must be"),
        ("run.sh/mine", b"a folder where a file must be"),
        ("zeros", b"another version"),
        ("version.ini", b"0.9"),
        ("saves/slot 1", b"a file where an empty folder must be"),
    ]);
    fs::create_dir(home.path().join("empty")).unwrap();
    let mut read_only = fs::metadata(home.path().join("zeros")).unwrap().permissions();
    read_only.set_readonly(true);
    fs::set_permissions(home.path().join("zeros"), read_only).unwrap();
    let opened = open(&home, &manifest, Mode::Fresh);
    assert!(!home.has("version.ini"));
    complete(&home, &source, &opened);
    let kept = home.folder().kept().join("k000001");
    assert_eq!(fs::read(kept.join("data")).unwrap(), b"a file where a folder must be");
    assert_eq!(fs::read(kept.join("run.sh/mine")).unwrap(), b"a folder where a file must be");
    assert_eq!(fs::read(kept.join("saves/slot 1")).unwrap(), b"a file where an empty folder must be");
    assert_eq!(fs::read(kept.join("zeros")).unwrap(), b"another version");
}

/// The source's next version: shifted, moved, removed, added and unchanged content.
fn next_source(old: &Tree) -> Tree {
    let big = old.get("data/big.pak");
    let next = Tree::new(&[
        ("version.ini", b"2.0"),
        ("data/big.pak", &[&noise("inserted", 1_000)[..], &big].concat()),
        ("data/same.pak", &big),
        ("moved/other.pak", &old.get("data/other.pak")),
        ("run.sh/now a folder", b"x"),
        ("saves/slot 1", b"now a file"),
        ("brand new", &noise("new", 900_000)),
        ("zeros", &vec![0; 5_000_000]),
        ("also zeros", &vec![0; 3_000_000]),
    ]);
    fs::create_dir(next.path().join("void")).unwrap();
    next
}

struct Update {
    old: Manifest,
    new: Arc<Manifest>,
    source: Tree,
    home: Tree,
}

/// A complete old payload with an extra file and `local/`.
fn update() -> Update {
    let old_source = source();
    let old = old_source.manifest();
    let home = Tree::new(&[]);
    complete(&home, &old_source, &open(&home, &Arc::new(old.clone()), Mode::Fresh));
    home.put("data/extra.cfg", b"mine");
    home.put("local/save", b"mine");
    let source = next_source(&old_source);
    Update { old, new: Arc::new(source.manifest()), source, home }
}

impl Update {
    fn swap(&self, opened: &Opened) {
        let plan = opened.store.plan_swap(&version("2.0"), Some(&self.old)).unwrap();
        transaction::swap(&self.home.folder(), plan).unwrap();
    }

    fn expected(&self) -> BTreeMap<String, String> {
        let mut contents = self.source.contents();
        for folder in ["local/", "data/", "Spiel der Könige/"] {
            contents.insert(folder.to_owned(), String::new());
        }
        contents.remove("Spiel der Könige/");
        contents.insert("data/extra.cfg".to_owned(), describe(b"mine"));
        contents.insert("local/save".to_owned(), describe(b"mine"));
        contents
    }
}

#[test]
fn an_update_copies_what_is_here_and_leaves_the_old_payload_alone_until_the_swap() {
    let update = update();
    let before = update.home.contents();
    let opened = open(&update.home, &update.new, Mode::Beside);
    // The inserted bytes change at most two chunks; everything else of the old payload is reused.
    assert!(opened.bytes_missing < 900_000 + 2 * 1024 * 1024 + 100, "{}", opened.bytes_missing);
    let mut wanted = opened.wanted.clone();
    shuffle(&mut wanted, 1);
    feed(&opened.store, &update.source, &wanted[..1]);
    drop(opened);
    // Without the intent an unfinished update is kept for a resume.
    assert_eq!(transaction::recover(&update.home.folder()).unwrap(), Recovered::Nothing);
    let opened = open(&update.home, &update.new, Mode::Beside);
    assert!(opened.wanted.len() < wanted.len());
    feed(&opened.store, &update.source, &opened.wanted);
    assert_eq!(update.home.contents(), before, "nothing of the old payload has changed");
    for unit in (0..).take(update.new.units().len()).map(UnitIndex) {
        let mut out = Vec::new();
        opened.store.read_unit(&WantedUnit::whole(unit), &mut out).unwrap();
        assert_eq!(out, unit_bytes(update.source.path(), &update.new, &WantedUnit::whole(unit)));
    }
    let wrong = opened.store.plan_swap(&version("3.0"), Some(&update.old)).unwrap_err();
    assert!(wrong.to_string().ends_with("says 2.0, expected is 3.0"), "{wrong}");
    assert_eq!(update.home.contents(), before);
    update.swap(&opened);
    assert_eq!(update.home.contents(), update.expected());
    assert!(!update.home.folder().new_files().exists() && !update.home.folder().intent().exists());
}

#[test]
fn a_cancelled_update_leaves_the_old_payload() {
    let update = update();
    let before = update.home.contents();
    let opened = open(&update.home, &update.new, Mode::Beside);
    feed(&opened.store, &update.source, &opened.wanted[..1]);
    drop(opened);
    transaction::discard(&update.home.folder()).unwrap();
    assert_eq!(update.home.contents(), before);
    assert!(!update.home.folder().new_files().exists() && !update.home.folder().parts().exists());
}

#[test]
fn a_swap_interrupted_anywhere_is_rolled_forward() {
    let mut step = 0;
    loop {
        let update = update();
        let opened = open(&update.home, &update.new, Mode::Beside);
        feed(&opened.store, &update.source, &opened.wanted);
        let plan = opened.store.plan_swap(&version("2.0"), Some(&update.old)).unwrap();
        let finished = transaction::testing::swap_until(&update.home.folder(), plan, step);
        drop(opened);
        let folder = update.home.folder();
        let sentinel = fs::read(folder.sentinel()).ok();
        assert!(
            sentinel.is_none() || sentinel.as_deref() == Some(b"2.0") || step == 0,
            "step {step}: a sentinel amid a swap"
        );
        // A recovery that is interrupted as well, then one that is not.
        if !finished && step > 0 {
            transaction::testing::recover_until(&folder, step / 2);
        }
        fs::write(folder.sentinel_tmp(), b"half").unwrap();
        transaction::recover(&folder).unwrap();
        assert!(!folder.new_files().exists());
        assert_eq!(update.home.contents(), update.expected(), "after step {step}");
        assert_eq!(transaction::recover(&folder).unwrap(), Recovered::Nothing);
        if finished {
            assert!(step > 10, "the swap has only {step} steps");
            return;
        }
        step += 1;
    }
}

#[test]
fn another_version_s_sentinel_is_refused() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    let opened = open(&home, &manifest, Mode::Fresh);
    feed(&opened.store, &source, &opened.wanted);
    let error = opened.store.finish(&version("1.1"), &Cancel::new()).unwrap_err();
    assert!(matches!(error, DiskError::WrongVersion { .. }), "{error}");
    assert!(!home.has("version.ini"));
}

#[test]
fn a_large_file_of_zeros_takes_no_room_and_a_part_of_it_is_not_fetched_again() {
    let source = Tree::new(&[("version.ini", b"1.0"), ("zeros", b"")]);
    let zeros = fs::File::create(source.path().join("zeros")).unwrap();
    zeros.set_len(64 * 1024 * 1024 + 5).unwrap();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    let opened = open(&home, &manifest, Mode::Fresh);
    assert_eq!(opened.bytes_total, 1024 * 1024 + 5 + 3);
    feed(&opened.store, &source, &opened.wanted[..1]);
    drop(opened);
    complete(&home, &source, &open(&home, &manifest, Mode::Fresh));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        assert!(fs::metadata(home.path().join("zeros")).unwrap().blocks() < 100);
    }
}

#[test]
fn thousands_of_small_files_arrive_and_are_resumed() {
    let source = Tree::new(&[("version.ini", b"1.0")]);
    for nth in 0..2_000 {
        source.put(&format!("dir {}/{nth}.txt", nth % 40), &noise(&nth.to_string(), nth % 700 + 1));
    }
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[]);
    let opened = open(&home, &manifest, Mode::Fresh);
    feed(&opened.store, &source, &opened.wanted[..1]);
    assert_eq!(fs::read_dir(home.folder().parts()).unwrap().count(), 0, "small files need no part files");
    drop(opened);
    let opened = open(&home, &manifest, Mode::Fresh);
    assert_eq!(opened.units.len(), 1);
    complete(&home, &source, &opened);
}

#[test]
fn no_space_no_access_and_a_cancel_are_told_apart() {
    let source = source();
    let manifest = Arc::new(source.manifest());
    let home = Tree::new(&[("data/big.pak", &noise("big", 3_000_000))]);
    let cancel = Cancel::new();
    cancel.cancel();
    let open =
        |folder| PayloadStore::open(folder, Arc::clone(&manifest), Mode::Fresh, &cancel, &Progress::new());
    assert_eq!(open(home.folder()).unwrap_err().kind(), DiskErrorKind::Cancelled);
    #[cfg(target_os = "linux")]
    {
        let nowhere = crate::disk::GameFolder::new("/proc/no-such-folder");
        let error = open(nowhere).unwrap_err();
        assert!(error.to_string().contains("/proc/no-such-folder"), "{error}");
    }
    fs::write(home.folder().intent(), b"{}").unwrap();
    assert!(matches!(open(home.folder()), Err(DiskError::Unfinished { .. })));
    assert!(matches!(transaction::discard(&home.folder()), Err(DiskError::Unfinished { .. })));
}

/// Opens again and again, each time ended some steps later, until one comes to its end.
fn open_ended_at_every_step(home: &Tree, manifest: &Arc<Manifest>, mode: Mode, check: impl Fn()) -> Opened {
    for looks in (1..).step_by(3) {
        let cancel = Cancel::at_look(looks);
        let opened = PayloadStore::open(home.folder(), Arc::clone(manifest), mode, &cancel, &Progress::new());
        check();
        match opened {
            Ok(opened) => {
                assert!(looks > 20, "an open has only {looks} steps");
                return opened;
            }
            Err(error) => assert_eq!(error.kind(), DiskErrorKind::Cancelled, "{error}"),
        }
    }
    unreachable!()
}

#[test]
fn an_update_s_open_ended_at_every_step_loses_nothing() {
    let update = update();
    let before = update.home.contents();
    let wanted = open(&update.home, &update.new, Mode::Beside).wanted;
    transaction::discard(&update.home.folder()).unwrap();
    let unchanged = || assert_eq!(update.home.contents(), before);
    let opened = open_ended_at_every_step(&update.home, &update.new, Mode::Beside, unchanged);
    assert!(opened.wanted.iter().all(|want| wanted.contains(want)), "what was here at first is here");
    feed(&opened.store, &update.source, &opened.wanted);
    update.swap(&opened);
    assert_eq!(update.home.contents(), update.expected());
}

#[test]
fn a_fresh_open_over_another_version_ended_at_every_step_loses_nothing() {
    let update = update();
    let wanted = open(&update.home, &update.new, Mode::Beside).wanted;
    transaction::discard(&update.home.folder()).unwrap();
    let has_no_new_sentinel =
        || assert_ne!(fs::read(update.home.folder().sentinel()).ok().as_deref(), Some(&b"2.0"[..]));
    let opened = open_ended_at_every_step(&update.home, &update.new, Mode::Fresh, has_no_new_sentinel);
    assert!(opened.wanted.iter().all(|want| wanted.contains(want)), "what was here at first is here");
    assert!(!update.home.has("version.ini"));
    feed(&opened.store, &update.source, &opened.wanted);
    opened.store.finish(&version("2.0"), &Cancel::new()).unwrap();
    let contents = update.home.contents();
    for (path, content) in update.source.contents() {
        assert_eq!(contents.get(&path), Some(&content), "{path}");
    }
}
