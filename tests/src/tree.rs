//! Folders as values: read, compared, copied and listed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;

use walkdir::WalkDir;

/// What stands at one path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Folder,
    File { bytes: u64, hash: blake3::Hash, executable: bool },
}

/// A payload as it stands on disk, by `/`-separated path: files, folders (empty ones too) and executable
/// bits. `local/`, what is Lanspread's own (`.lanspread…`) and links out of the tree are left out.
pub fn read_tree(root: &Path) -> BTreeMap<String, Node> {
    let mut tree = BTreeMap::new();
    let walk = WalkDir::new(root).min_depth(1).into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        !(name.starts_with(".lanspread") || entry.depth() == 1 && name == "local")
    });
    for entry in walk {
        let entry = entry.unwrap_or_else(|error| panic!("reading {}: {error}", root.display()));
        if entry.path_is_symlink() && !leads_inside(entry.path(), root) {
            continue;
        }
        let path = entry.path().strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        let node = if entry.file_type().is_dir() { Node::Folder } else { read_file(entry.path()) };
        tree.insert(path, node);
    }
    tree
}

fn leads_inside(link: &Path, root: &Path) -> bool {
    let target = fs::canonicalize(link);
    target.is_ok_and(|target| fs::canonicalize(root).is_ok_and(|root| target.starts_with(root)))
}

fn read_file(path: &Path) -> Node {
    let mut hasher = blake3::Hasher::new();
    let mut file = File::open(path).unwrap_or_else(|error| panic!("opening {}: {error}", path.display()));
    hasher.update_reader(&mut file).unwrap();
    let metadata = file.metadata().unwrap();
    Node::File { bytes: metadata.len(), hash: hasher.finalize(), executable: is_executable(&metadata) }
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

/// Requires equal payloads: the same paths, contents, empty folders and executable bits. A `version.ini`
/// that only `right` has is allowed: publishing adds it to a source that has none.
#[track_caller]
pub fn assert_same_tree(left: &Path, right: &Path) {
    let a = read_tree(left);
    let mut b = read_tree(right);
    if !a.contains_key("version.ini") {
        b.remove("version.ini");
    }
    let mut differences = Vec::new();
    for (path, node) in &a {
        match b.get(path) {
            None => differences.push(format!("missing:   {path}")),
            Some(other) if other != node => {
                differences.push(format!("different: {path}: {node:?} != {other:?}"));
            }
            Some(_) => {}
        }
    }
    differences
        .extend(b.keys().filter(|path| !a.contains_key(*path)).map(|path| format!("too much:  {path}")));
    let count = differences.len();
    differences.truncate(40);
    assert!(
        differences.is_empty(),
        "{} and {} differ in {count} of {} entries:\n{}",
        left.display(),
        right.display(),
        a.len(),
        differences.join("\n")
    );
}

/// Copies a tree with its executable bits, as a person would (`cp -r`): all but Lanspread's own folders.
pub fn copy_tree(from: &Path, to: &Path) {
    place_tree(from, to, |from, to| fs::copy(from, to).map(drop));
}

/// Makes the same tree with hard links to the files.
pub fn link_tree(from: &Path, to: &Path) {
    place_tree(from, to, |from, to| fs::hard_link(from, to));
}

fn place_tree(from: &Path, to: &Path, place: fn(&Path, &Path) -> std::io::Result<()>) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("reading {}: {error}", from.display())) {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(".lanspread") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            place_tree(&entry.path(), &to.join(name), place);
        } else {
            place(&entry.path(), &to.join(name)).unwrap();
        }
    }
}

/// All paths below a folder with their sizes, ours too: what a failing test shows.
pub fn list_tree(root: &Path) -> String {
    const LINES: usize = 150;
    let mut listing = String::new();
    for (line, entry) in WalkDir::new(root).sort_by_file_name().into_iter().enumerate() {
        if line == LINES {
            listing.push_str("  … and more\n");
            break;
        }
        match entry {
            Ok(entry) => {
                let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
                writeln!(listing, "{bytes:>12}  {}", entry.path().display()).unwrap();
            }
            Err(error) => writeln!(listing, "           ?  {error}").unwrap(),
        }
    }
    listing
}

/// Changes one byte in every `step` of a file and gives it its old time back: what a failing disk does, and
/// what no fingerprint of names, sizes and times can see. Only while no peer watches.
pub fn rot(path: &Path, step: usize) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let mut content = fs::read(path).unwrap();
    for byte in content.iter_mut().step_by(step) {
        *byte ^= 0x20;
    }
    fs::write(path, content).unwrap();
    File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

/// Writes a small file and the folders on its way.
pub fn write_file(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Game;

    #[test]
    fn equal_trees_are_equal_and_every_difference_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let (left, right) = (dir.path().join("left"), dir.path().join("right"));
        let game = Game::small("chess").empty_folder("mods");
        game.write_to(&left);
        game.write_to(&right);
        assert_same_tree(&left, &right);
        write_file(&right.join("version.ini"), "1.0");
        write_file(&right.join("local/save.dat"), "mine");
        write_file(&right.join(".lanspread/manifest"), "ours");
        assert_same_tree(&left, &right);

        let edits: [fn(&Path); 5] = [
            |root| rot(&root.join("data/maps.pak"), usize::MAX),
            |root| fs::remove_dir(root.join("mods")).unwrap(),
            |root| fs::remove_file(root.join("readme.txt")).unwrap(),
            |root| write_file(&root.join("new.txt"), ""),
            |root| fs::create_dir(root.join("new")).unwrap(),
        ];
        for edit in edits {
            let changed = dir.path().join("changed");
            copy_tree(&left, &changed);
            edit(&changed);
            assert_ne!(read_tree(&left), read_tree(&changed));
            fs::remove_dir_all(&changed).unwrap();
        }
    }

    #[test]
    #[cfg(unix)]
    fn the_executable_bit_counts() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        Game::small("chess").write_to(dir.path());
        let before = read_tree(dir.path());
        fs::set_permissions(dir.path().join("bin/game"), fs::Permissions::from_mode(0o644)).unwrap();
        assert_ne!(read_tree(dir.path()), before);
    }
}
