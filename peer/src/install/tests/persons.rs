//! What is a person's lives on or is kept.

use std::fs;

use super::{Home, PAYLOAD, files, texts};
#[cfg(unix)]
use crate::disk::testing::Tree;
use crate::install::{Restore, Saves};
use crate::transaction::Kept;

fn kept(home: &Home, kept: &Kept) -> std::collections::BTreeMap<String, String> {
    files(&home.tree, &kept.folder)
}

#[test]
fn an_update_keeps_saves_and_moves_what_it_overwrites() {
    let mut home = Home::new(&PAYLOAD);
    home.entry.keep = vec!["*.cfg".to_owned()];
    home.install();
    home.tree.put("local/config.cfg", b"mine");
    home.tree.put("local/saves/slot 1", b"save");
    home.tree.put("local/data/a.pak", b"modded");
    home.tree.put("local/data/new.pak", b"my own");
    home.update(&[
        ("version.ini", b"2.0"),
        ("config.cfg", b"new default"),
        ("data/a.pak", b"a2"),
        ("data/new.pak", b"new"),
    ]);
    let moved = home.install().unwrap();
    assert_eq!(
        home.local(),
        texts(&[
            ("config.cfg", "mine"),
            ("data/a.pak", "a2"),
            ("data/new.pak", "new"),
            ("saves/slot 1", "save")
        ])
    );
    assert_eq!(moved.paths, ["data/a.pak", "data/new.pak"]);
    assert_eq!(kept(&home, &moved), texts(&[("data/a.pak", "modded"), ("data/new.pak", "my own")]));
    assert!(home.traces().is_empty(), "{:?}", home.traces());
    // Again: nothing has changed, so nothing more is kept.
    assert_eq!(home.install(), None);
    assert_eq!(home.local()["config.cfg"], "mine");
}

#[test]
fn what_is_whose_is_measured_without_reading() {
    let mut home = Home::new(&PAYLOAD);
    home.entry.keep = vec!["*.cfg".to_owned()];
    home.install();
    let game: u64 = home.local().values().map(|text| text.len() as u64).sum();
    let config = home.local()["config.cfg"].len() as u64;
    home.tree.put("local/saves/slot 1", b"save");
    home.tree.put("local/mine.cfg", b"123456");
    let size = crate::install::measure(&home.tree.folder(), &home.entry.keep).unwrap();
    assert_eq!((size.game, size.person), (game - config, config + 10));
}

#[test]
fn a_folder_that_lanspread_did_not_make_is_kept_as_a_whole() {
    let mut home = Home::new(&PAYLOAD);
    home.entry.keep = vec!["*.cfg".to_owned()];
    home.tree.put("local/config.cfg", b"mine");
    home.tree.put("local/old/thing", b"old");
    fs::create_dir(home.tree.path().join("local/empty")).unwrap();
    let moved = home.install().unwrap();
    assert_eq!(home.local()["config.cfg"], "mine");
    assert!(!home.local().contains_key("old/thing"));
    assert_eq!(kept(&home, &moved), texts(&[("config.cfg", "mine"), ("old/thing", "old")]));

    let adopted = Home::new(&PAYLOAD);
    adopted.tree.put("local/thing", b"old");
    let moved = adopted.uninstall(Saves::Delete).unwrap();
    assert_eq!(kept(&adopted, &moved), texts(&[("thing", "old")]));
    assert!(!adopted.tree.has("local"));
    assert_eq!(adopted.install(), None);
    assert!(!adopted.local().contains_key("thing"), "another game's files are not mixed in");
}

#[test]
fn what_an_uninstall_kept_comes_back_with_the_next_install() {
    let mut home = Home::new(&PAYLOAD);
    home.entry.keep = vec!["*.cfg".to_owned()];
    home.install();
    home.tree.put("local/config.cfg", b"mine");
    home.tree.put("local/saves/1", b"save");
    home.tree.put("local/data/a.pak", b"modded");
    let moved = home.uninstall(Saves::Keep).unwrap();
    assert_eq!(moved.paths, ["config.cfg", "data/a.pak", "saves/1"]);
    assert!(moved.folder == ".lanspread/kept/k000001-uninstalled", "{}", moved.folder);

    home.restore = Restore::No;
    home.install();
    assert_eq!(home.local()["config.cfg"], "default");
    home.uninstall(Saves::Delete);
    home.restore = Restore::Yes;
    assert_eq!(home.install(), None);
    assert_eq!(
        home.local(),
        texts(&[
            ("bin/game", "#!/bin/sh"),
            ("config.cfg", "mine"),
            ("data/a.pak", "a1"),
            ("saves/1", "save")
        ])
    );
    assert_eq!(kept(&home, &moved), texts(&[("data/a.pak", "modded")]), "what came back is kept no more");

    assert_eq!(home.uninstall(Saves::Delete), None);
    assert!(!home.tree.has("local"));
    assert_eq!(kept(&home, &moved).len(), 1, "what was kept before stays");
}

#[test]
fn read_only_files_and_links_are_no_obstacle() {
    let mut home = Home::new(&PAYLOAD);
    let protect = |path: &str| {
        let path = home.tree.path().join(path);
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(path, permissions).unwrap();
    };
    protect("data/a.pak");
    home.install();
    assert!(!fs::metadata(home.tree.path().join("local/data/a.pak")).unwrap().permissions().readonly());
    protect("local/data/a.pak");
    home.tree.put("local/save", b"mine");
    protect("local/save");
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let outside = Tree::new(&[("x", b"outside")]);
        symlink(outside.path(), home.tree.path().join("local/link")).unwrap();
        let bin = home.tree.path().join("local/bin");
        fs::set_permissions(bin, fs::Permissions::from_mode(0o555)).unwrap();
        assert_eq!(home.install(), None);
        assert!(home.tree.path().join("local/link").is_symlink() && home.tree.has("local/link/x"));
        let moved = home.uninstall(Saves::Keep).unwrap();
        assert_eq!(moved.paths, ["link", "save"]);
        assert!(outside.has("x"));
    }
    home.manifest = None;
    home.install();
    assert_eq!(home.local()["save"], "mine");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_unicode_are_kept() {
    use std::os::unix::ffi::OsStrExt as _;
    let home = Home::new(&PAYLOAD);
    home.install();
    let name = std::ffi::OsStr::from_bytes(b"save \xff");
    fs::write(home.tree.path().join("local").join(name), b"mine").unwrap();
    let moved = home.install().unwrap();
    assert_eq!(moved.paths, ["save \u{fffd}"]);
    assert_eq!(fs::read(home.tree.path().join(&moved.folder).join(name)).unwrap(), b"mine");
}
