//! Payloads of archives, by convention and by recipe.

use std::fs;

use lanspread_protocol::{InstallRecipe, LaunchEntry, Os};

use super::{Home, texts};
use crate::disk::{Cancel, DiskError};
use crate::install::{InstallError, Saves, read_record};

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn first() -> Vec<u8> {
    tar(&[("bin/game", b"program"), ("data/a.pak", b"a1"), ("config.cfg", b"default")])
}

#[test]
fn a_payload_of_archives_is_unpacked_in_order() {
    let patch = tar(&[("data/a.pak", b"patched"), ("data/b.pak", b"b")]);
    let mut home = Home::new(&[("version.ini", b"1.0"), ("1.tar", &first()), ("2.tar", &patch)]);
    let program = "bin/game".parse().unwrap();
    let entry = LaunchEntry {
        name: "play".to_owned(),
        os: Os::CURRENT,
        program,
        args: Vec::new(),
        folder: None,
        env: std::collections::BTreeMap::new(),
    };
    home.entry.launch.push(entry);
    home.install();
    let unpacked =
        [("bin/game", "program"), ("config.cfg", "default"), ("data/a.pak", "patched"), ("data/b.pak", "b")];
    assert_eq!(home.local(), texts(&unpacked));
    assert_eq!(read_record(&home.tree.folder()).unwrap().files.len(), 4);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(home.tree.path().join("local/bin/game")).unwrap().permissions().mode();
        assert_eq!(mode & 0o100, 0o100, "a launch entry's program can be started");
    }
    home.tree.put("local/config.cfg", b"mine");
    // Touched, and yet the same.
    let path = home.tree.path().join("local/data/b.pak");
    fs::File::options().append(true).open(path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(home.uninstall(Saves::Keep).unwrap().paths, ["config.cfg"]);
}

#[test]
fn an_archive_in_several_files_is_unpacked_once() {
    let content: Vec<u8> = crate::disk::testing::noise("volumes", 250_000);
    let mut builder = rars::Builder::new(rars::ArchiveVersion::Rar50).volume_size(Some(60_000));
    builder.add_bytes(b"data/big.pak".to_vec(), content.clone(), None, None).unwrap();
    let volumes = builder.build_volumes(None).unwrap();
    assert!(volumes.len() > 3);
    let names: Vec<String> = (1..=volumes.len()).map(|nth| format!("game.part{nth}.rar")).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("version.ini", b"1.0")];
    files.extend(names.iter().map(String::as_str).zip(volumes.iter().map(Vec::as_slice)));
    let mut home = Home::new(&files);
    home.install();
    assert_eq!(home.local().keys().collect::<Vec<_>>(), ["data/big.pak"]);
    assert!(home.tree.get("local/data/big.pak") == content);

    let before = home.local();
    let without = |nth: usize| {
        let mut files = files.clone();
        files[0] = ("version.ini", b"2.0");
        files.remove(nth);
        files
    };
    home.update(&without(2));
    let error = home.try_install().unwrap_err().to_string();
    assert!(error.contains("goes on in") && error.contains("game.part2.rar"), "{error}");
    home.update(&without(1));
    let error = home.try_install().unwrap_err().to_string();
    assert!(error.contains("is a later part of an archive in several files"), "{error}");
    assert_eq!(home.local(), before);
}

#[test]
fn an_eti_package_and_a_recipe_say_what_is_unpacked() {
    let more = tar(&[("maps/m", b"map")]);
    let files: [(&str, &[u8]); 4] = [
        ("version.ini", b"20250308"),
        ("ut.eti", &first()),
        ("ut_maps.eti", &more),
        ("game_start.cmd", b"start"),
    ];
    let mut home = Home::new(&files);
    home.install();
    assert_eq!(home.local().len(), 3, "scripts unpack the others");
    home.entry.install = Some(InstallRecipe::Unpack(vec!["ut_maps.eti".parse().unwrap()]));
    home.install();
    assert_eq!(home.local(), texts(&[("maps/m", "map")]));
    home.entry.install = Some(InstallRecipe::Files);
    home.install();
    assert_eq!(home.local().len(), 3);
    assert!(home.tree.has("local/game_start.cmd"));
    home.entry.install = Some(InstallRecipe::Unpack(vec!["none.zip".parse().unwrap()]));
    assert!(matches!(home.try_install(), Err(InstallError::NoArchive { .. })));
    assert!(home.tree.has("local/game_start.cmd"));
}

#[test]
fn a_broken_or_hostile_archive_leaves_local_as_it_was() {
    let mut home = Home::new(&[("version.ini", b"1.0"), ("ut.eti", &first())]);
    home.install();
    home.tree.put("local/save", b"mine");
    let before = home.local();
    let whole = tar(&[("data/a.pak", &[7; 9_000]), ("data/b.pak", &[8; 9_000])]);
    let mut name = tar(&[("data/a.pak", b"x"), ("xx/evil", b"x")]);
    let at = name.windows(7).position(|window| window == b"xx/evil").unwrap();
    name[at..at + 2].copy_from_slice(b"..");
    // Its checksum counts the bytes of the name.
    let difference = 2 * (i64::from(b'x') - i64::from(b'.'));
    let field = at + 148;
    let sum = i64::from_str_radix(std::str::from_utf8(&name[field..field + 6]).unwrap().trim(), 8).unwrap();
    name[field..field + 6].copy_from_slice(format!("{:06o}", sum - difference).as_bytes());
    for broken in [whole[..10_000].to_vec(), name, b"no archive".to_vec()] {
        home.update(&[("version.ini", b"2.0"), ("ut.eti", &broken)]);
        let error = home.try_install().unwrap_err();
        assert!(matches!(error, InstallError::Unpack(_)), "{error}");
        assert_eq!(home.local(), before, "{error}");
        assert!(home.traces().is_empty(), "{:?}", home.traces());
    }
    home.update(&[("version.ini", b"2.0"), ("ut.eti", &whole)]);
    for looks in 1.. {
        match home.install_with(&Cancel::at_look(looks)) {
            Ok(_) => break,
            Err(InstallError::Disk(DiskError::Cancelled)) => {
                assert_eq!(home.local(), before, "after look {looks}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(home.local().keys().collect::<Vec<_>>(), ["data/a.pak", "data/b.pak", "save"]);
}
