//! Stories of publishing; each ends with the payload, the catalog and its signature compared.

use std::fs;
use std::path::PathBuf;

use lanspread_protocol::{Catalog, Game, OrganiserSecret, SignedCatalog};

use super::*;
use crate::disk::hash::{Selection, hash_payload};
use crate::disk::testing::{Tree, noise};
use crate::disk::{Links, scan_game};

/// A games folder, a catalog's path beside it, and a source.
struct Desk {
    home: Tree,
    source: Tree,
}

impl Desk {
    fn new(source: &[(&str, &[u8])]) -> Self {
        let home = Tree::new(&[]);
        fs::create_dir(home.path().join("games")).unwrap();
        Self { home, source: Tree::new(source) }
    }

    fn games(&self) -> GamesFolder {
        GamesFolder::new(self.home.path().join("games"))
    }

    fn catalog_path(&self) -> PathBuf {
        self.home.path().join("party/catalog.ron")
    }

    fn folder(&self) -> GameFolder {
        self.games().game(&"ut".parse().unwrap())
    }

    fn request(&self, version: &str) -> PublishRequest {
        PublishRequest {
            game: Game::new("ut".parse().unwrap(), "Unreal"),
            version: version.parse().unwrap(),
            from: vec![self.source.path().to_owned()],
            catalog: self.catalog_path(),
            cover: None,
            key: None,
            links: Links::Refuse,
            leave_out: Vec::new(),
        }
    }

    fn publish(&self, request: &PublishRequest) -> Result<Published, PublishError> {
        publish(&self.games(), request, &Cancel::new(), &Progress::new())
    }

    /// The catalog, proven by its signature.
    fn catalog(&self) -> Catalog {
        let file = catalog_file::load(&self.catalog_path()).unwrap().unwrap();
        SignedCatalog::open(file.bytes, file.signature.unwrap()).unwrap().catalog
    }

    /// The payload is complete, of this version, and what the catalog pins.
    fn assert_published(&self, version: &str) {
        let catalog = self.catalog();
        let entry = catalog.game(&"ut".parse().unwrap()).unwrap();
        assert_eq!(entry.version.as_ref().unwrap().as_str(), version);
        let manifest = read_beside(&self.folder()).unwrap();
        let scanned = scan_game(&self.folder(), &entry.id, Some(&manifest), &Cancel::new()).unwrap();
        assert_eq!(scanned.sentinel.unwrap().as_str(), version);
        assert!(!scanned.is_unfinished);
        let select = Selection::Of(&manifest);
        let hashed = hash_payload(self.folder().root(), select, &Cancel::new(), &Progress::new()).unwrap();
        assert_eq!(Some(hashed.manifest.id()), entry.manifest);
        assert_eq!(entry.size, Some(hashed.manifest.total_bytes()));
        assert!(self.games().manifest(hashed.manifest.id()).exists());
    }

    fn traces(&self) -> Vec<PathBuf> {
        let entries = walkdir::WalkDir::new(self.home.path()).min_depth(1).into_iter();
        let paths = entries.map(|entry| entry.unwrap().path().to_owned());
        paths.filter(|path| !path.is_dir()).collect()
    }
}

const SOURCE: &[(&str, &[u8])] =
    &[("bin/game", b"\x7fELF..."), ("data/a.pak", b"a"), ("Größe.txt", b"g"), ("local/old", b"x")];

#[test]
fn a_folder_is_published_and_the_catalog_is_made_with_a_key() {
    let desk = Desk::new(SOURCE);
    desk.source.put("data/big", &noise("big", 2_000_000));
    desk.source.put("cover.png", b"\x89PNG....");
    fs::create_dir(desk.source.path().join("void")).unwrap();
    let before = desk.source.contents();
    let mut request =
        PublishRequest { cover: Some(desk.source.path().join("cover.png")), ..desk.request("1.0") };
    request.game.launch = ["bin/game -x@linux", "server=srv.exe@windows"]
        .map(|entry| parse_launch_entry(entry).unwrap())
        .into();
    let published = desk.publish(&request).unwrap();
    assert_eq!((published.files, published.skipped.as_slice()), (6, &["local".to_owned()][..]));
    desk.assert_published("1.0");
    assert_eq!(desk.source.contents(), before, "the source is only read");
    assert_eq!(published.new_key.as_deref(), Some(catalog_file::key_path(&desk.catalog_path()).as_path()));
    let entry = desk.catalog().games.remove(0);
    assert_eq!(entry.launch.len(), 2);
    assert!(desk.games().cover(entry.cover.unwrap()).exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(published.new_key.unwrap()) & 0o077, 0);
        assert_eq!(mode(desk.folder().root().join("bin/game")) & 0o100, 0o100);
    }
    let json = serde_json::to_value(desk.publish(&request).unwrap()).unwrap();
    let mut fields: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(fields, ["bytes", "chunks", "files", "game", "manifest", "version"]);
    assert_eq!(desk.catalog().serial, 2);
}

#[test]
fn a_source_with_nothing_to_share_is_refused() {
    let desk = Desk::new(&[("local/old", b"x"), ("version.ini", b"1.0")]);
    let error = desk.publish(&desk.request("1.0")).unwrap_err();
    assert!(error.to_string().ends_with("holds nothing that can be shared"), "{error}");
    assert!(!desk.folder().root().exists() && !desk.catalog_path().exists());
}

#[test]
fn a_new_version_replaces_the_old_payload_and_leaves_what_is_a_person_s() {
    let desk = Desk::new(SOURCE);
    let mut request = desk.request("1.0");
    request.game.genre = Some("shooter".into());
    desk.publish(&request).unwrap();
    let root = desk.folder().root().to_owned();
    fs::create_dir_all(root.join("local")).unwrap();
    fs::write(root.join("local/save"), b"mine").unwrap();
    fs::write(root.join("extra"), b"mine").unwrap();
    fs::remove_file(desk.source.path().join("data/a.pak")).unwrap();
    desk.source.put("data/b.pak", b"b");
    desk.source.put("version.ini", b"2.0\r\nmore\r\n");
    desk.publish(&desk.request("2.0")).unwrap();
    desk.assert_published("2.0");
    assert!(!root.join("data/a.pak").exists() && root.join("data/b.pak").exists());
    assert!(root.join("extra").exists() && root.join("local/save").exists());
    assert_eq!(fs::read(root.join("version.ini")).unwrap(), b"2.0\r\nmore\r\n");
    assert_eq!(desk.catalog().games[0].genre.as_deref(), Some("shooter"));
    assert_eq!(desk.catalog().serial, 2);
}

#[test]
fn a_game_s_own_folder_is_published_in_place() {
    let desk = Desk::new(&[]);
    let root = desk.folder().root().to_owned();
    fs::create_dir_all(root.join("data")).unwrap();
    fs::write(root.join("data/a"), noise("a", 500_000)).unwrap();
    fs::write(root.join("version.ini"), b"0.9").unwrap();
    let request = PublishRequest { from: vec![root.clone()], ..desk.request("1.0") };
    desk.publish(&request).unwrap();
    desk.assert_published("1.0");
    fs::write(root.join("data/b"), b"b").unwrap();
    desk.publish(&request).unwrap();
    desk.assert_published("1.0");
    assert_eq!(read_beside(&desk.folder()).unwrap().files().len(), 3);
}

#[test]
fn what_is_left_out_stays_with_the_organiser() {
    let desk = Desk::new(&[("game", b"a"), ("run.log", b"b")]);
    let leave_out = vec!["run.log".parse().unwrap()];
    desk.publish(&PublishRequest { leave_out, ..desk.request("1.0") }).unwrap();
    let published = read_beside(&desk.folder()).unwrap();
    let names: Vec<_> = published.files().iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["game", "version.ini"]);
    assert!(desk.source.path().join("run.log").exists());
}

#[test]
fn what_cannot_be_published_changes_nothing() {
    let desk = Desk::new(SOURCE);
    let fails = |request: &PublishRequest| {
        let before = desk.traces();
        let error = desk.publish(request).unwrap_err().to_string();
        assert_eq!(desk.traces(), before, "{error}");
        error
    };
    let fails_from = |from: &[PathBuf]| fails(&PublishRequest { from: from.to_vec(), ..desk.request("1") });
    assert!(fails_from(&["nowhere".into()]).contains("no folder or archive “nowhere”"));
    assert!(fails_from(&[]).contains("--from: nothing is given"));
    assert!(fails_from(&[desk.home.path().to_owned()]).contains("lie in one another"));
    assert!(fails(&PublishRequest { key: Some("no.key".into()), ..desk.request("1") }).contains("no.key"));
    let mut untitled = desk.request("1");
    untitled.game.title = " ".into();
    assert!(fails(&untitled).contains("the title is empty"));
    assert!(fails(&PublishRequest { cover: Some("no.png".into()), ..desk.request("1") }).contains("no.png"));
    let cancel = Cancel::new();
    cancel.cancel();
    let error = publish(&desk.games(), &desk.request("1"), &cancel, &Progress::new());
    assert_eq!(error.unwrap_err().kind(), Some(DiskErrorKind::Cancelled));
    assert!(desk.traces().is_empty());

    desk.publish(&desk.request("1.0")).unwrap();
    #[cfg(target_os = "linux")]
    {
        desk.source.put("DATA/x", b"");
        desk.source.put("a:b", b"");
        desk.source.put("con", b"");
        let error = fails(&desk.request("2.0"));
        assert!(error.contains("a:b") && error.contains("con") && error.contains("data"), "{error}");
    }
    fs::remove_file(catalog_file::key_path(&desk.catalog_path())).unwrap();
    assert!(fails(&desk.request("2.0")).contains("give it with --key"));
    fs::write(desk.catalog_path(), "(party: 7)").unwrap();
    assert!(fails(&desk.request("2.0")).contains("line 1"));
}

#[test]
fn archives_are_published_as_they_are() {
    let rar = [b"Rar!\x1a\x07\x01\x00".as_slice(), &noise("rar", 1_000_000)].concat();
    let desk = Desk::new(&[("ut.eti", &rar), ("more/maps.zip", b"PK\x03\x04maps"), ("data/a.pak", b"a")]);
    let before = desk.source.contents();
    let source = |name: &str| desk.source.path().join(name);
    let from = vec![source("ut.eti"), source("more/maps.zip")];
    let published = desk.publish(&PublishRequest { from: from.clone(), ..desk.request("1.0") }).unwrap();
    assert_eq!(published.files, 3);
    desk.assert_published("1.0");
    let root = desk.folder().root().to_owned();
    assert_eq!(fs::read(root.join("ut.eti")).unwrap(), rar);
    assert_eq!(fs::read(root.join("maps.zip")).unwrap(), b"PK\x03\x04maps");
    assert_eq!(desk.source.contents(), before, "the source is only read");

    desk.publish(&PublishRequest { from: vec![source("ut.eti")], ..desk.request("2.0") }).unwrap();
    desk.assert_published("2.0");
    assert!(!root.join("maps.zip").exists(), "the new version is without it");
}

#[test]
fn what_is_no_archive_is_refused() {
    let zip = b"PK\x03\x04".as_slice();
    let desk = Desk::new(&[
        ("a.pak", b"a"),
        ("page.zip", b"<html>"),
        ("a.zip", zip),
        ("b/A.zip", zip),
        ("c/a.zip", zip),
    ]);
    let source = |name: &str| desk.source.path().join(name);
    let fails = |from: &[PathBuf]| {
        let error = desk.publish(&PublishRequest { from: from.to_vec(), ..desk.request("1") });
        let error = error.unwrap_err().to_string();
        assert!(desk.traces().is_empty(), "{error}");
        error
    };
    assert!(fails(&[source("a.pak")]).contains("a.pak” is neither a folder nor an archive (.eti .rar"));
    assert!(fails(&[source("page.zip")]).contains("page.zip” is named like an archive"));
    let folder = desk.source.path().to_owned();
    assert!(fails(&[source("a.zip"), folder.clone()]).contains("publish one folder, or archives only"));
    assert!(fails(&[folder, source("a.zip")]).contains("publish one folder, or archives only"));
    assert!(fails(&[source("a.zip"), source("c/a.zip")]).contains("another archive has this name"));
    assert!(fails(&[source("a.zip"), source("b/A.zip")]).contains("is the same as “a.zip” where case"));
}

#[test]
fn the_given_key_signs_and_the_newest_known_catalog_is_continued() {
    let desk = Desk::new(SOURCE);
    let secret = OrganiserSecret::from_seed([3; 32]);
    desk.home.put("my.key", secret.to_file().as_bytes());
    let newer = b"(party: \"Nord\", serial: 41, games: [(id: \"quake\", title: \"Quake\")])";
    fs::create_dir_all(desk.games().state()).unwrap();
    let newer = SignedCatalog::open(newer.to_vec(), secret.sign(newer)).unwrap();
    catalog_file::store_newest(&desk.games(), &newer).unwrap();
    let key = Some(desk.home.path().join("my.key"));
    desk.publish(&PublishRequest { key, ..desk.request("1.0") }).unwrap();
    let catalog = desk.catalog();
    assert_eq!((catalog.serial, catalog.party.as_str(), catalog.games.len()), (42, "Nord", 2));
    assert!(!catalog_file::key_path(&desk.catalog_path()).exists());
}

#[cfg(unix)]
#[test]
fn links_that_leave_the_source_obey_the_policy() {
    use std::os::unix::fs::symlink;
    let desk = Desk::new(SOURCE);
    let outside = Tree::new(&[("x", b"outside")]);
    symlink(outside.path().join("x"), desk.source.path().join("out")).unwrap();
    symlink("data", desk.source.path().join("more")).unwrap();
    let error = desk.publish(&desk.request("1")).unwrap_err().to_string();
    assert!(error.contains("out: is a link that leads out"), "{error}");
    let published = desk.publish(&PublishRequest { links: Links::Skip, ..desk.request("1") }).unwrap();
    assert!(published.skipped.contains(&"out".to_owned()));
    desk.publish(&PublishRequest { links: Links::Copy, ..desk.request("2") }).unwrap();
    desk.assert_published("2");
    assert_eq!(fs::read(desk.folder().root().join("out")).unwrap(), b"outside");
    assert!(
        !desk.folder().root().join("more").is_symlink() && desk.folder().root().join("more/a.pak").exists()
    );
}

#[test]
fn a_publish_interrupted_anywhere_is_the_old_or_the_new_state() {
    let mut step = 0;
    loop {
        let desk = Desk::new(SOURCE);
        desk.publish(&desk.request("1.0")).unwrap();
        desk.source.put("data/a.pak", b"new");
        desk.source.put("data/b.pak", b"new");
        let checked = Checked::new(&desk.request("2.0")).unwrap();
        let mut publication = Publication::open(&desk.games(), &desk.catalog_path(), None).unwrap();
        let source = source::check(&desk.request("2.0"), &desk.folder()).unwrap();
        let built =
            source::build(&source, &desk.folder(), &checked, None, &Cancel::new(), &Progress::new()).unwrap();
        desk.assert_catalog("1.0");
        let old = read_beside(&desk.folder());
        let staged = publication.stage(&checked, &built.manifest).unwrap();
        desk.assert_catalog("1.0");
        let plan =
            SwapPlan::new(&built.manifest, built.moves, old.as_ref(), built.sentinel).with_catalog(staged);
        ManifestStore::new(desk.games()).put(built.manifest).unwrap();
        let finished = transaction::testing::swap_until(&desk.folder(), plan, step);
        transaction::recover(&desk.folder()).unwrap();
        desk.assert_catalog("2.0");
        transaction::discard(&desk.folder()).unwrap();
        desk.assert_published("2.0");
        if finished {
            assert!(step > 5);
            return;
        }
        step += 1;
    }
}

impl Desk {
    fn assert_catalog(&self, version: &str) {
        assert_eq!(self.catalog().games[0].version.as_ref().unwrap().as_str(), version);
    }
}
