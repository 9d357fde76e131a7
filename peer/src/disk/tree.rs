//! A payload's folder as it is: which files are there, without reading them, and never outside of it.
//!
//! Links that stay inside the folder are followed where content is read. Where something is written, moved or
//! removed, a path counts only if every folder on its way is a real one: changing a file through a link would change
//! another file, too.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use lanspread_protocol::limits::MAX_PATH_DEPTH;
use lanspread_protocol::path::{is_ignored_name, is_reserved_root_name};
use lanspread_protocol::{Blake3Hash, InnerPath, RelPath};

use super::error::{Offender, Tried as _};
use super::layout::under;
use super::{Cancel, DiskError};

/// What a payload's files look like from outside: equal fingerprints mean that nothing has to be hashed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Fingerprint(pub Blake3Hash);

/// What happens to links that leave the folder. Those inside are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Links {
    /// Each of them is an offender.
    #[default]
    Refuse,
    /// What they lead to becomes part of the payload.
    Copy,
    /// They are no part of the payload.
    Skip,
}

/// A file's size and time of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileStat {
    pub(crate) bytes: u64,
    /// Nanoseconds since 1970, cut at what fits.
    pub(crate) modified: i64,
}

impl FileStat {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let nanos = metadata.modified().map(|time| match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
        });
        Self { bytes: metadata.len(), modified: nanos.unwrap_or(0) }
    }
}

/// Finds a manifest's files in a folder, whatever else is there.
#[derive(Debug)]
pub(crate) struct Locator<'a> {
    root: &'a Path,
    real_root: Option<PathBuf>,
    /// Folders that were looked at: whether they and all above them are real folders.
    plain: HashMap<String, bool>,
}

/// A file that [`Locator`] found.
#[derive(Debug)]
pub(crate) struct Located {
    /// Where to open it; no link leads away from here.
    pub(crate) path: PathBuf,
    pub(crate) stat: FileStat,
}

impl<'a> Locator<'a> {
    pub(crate) fn new(root: &'a Path) -> Self {
        Self { root, real_root: None, plain: HashMap::new() }
    }

    /// The regular file at `path`; `None` if there is none. [`DiskError::LeadsOut`] for links to the outside.
    pub(crate) fn file(&mut self, path: &RelPath) -> Result<Option<Located>, DiskError> {
        let whole = under(self.root, path);
        if self.has_plain_folders(path) {
            match fs::symlink_metadata(&whole) {
                Ok(metadata) if metadata.is_file() => {
                    let stat = FileStat::of(&metadata);
                    return Ok(Some(Located { path: whole, stat }));
                }
                Ok(metadata) if !metadata.is_symlink() => return Ok(None),
                Ok(_link) => {}
                Err(error) if super::atomic::is_absent(&error) => return Ok(None),
                Err(error) => return Err(error).tried("look at", &whole),
            }
        }
        let Ok(real) = fs::canonicalize(&whole) else { return Ok(None) };
        if !self.is_inside(&real)? {
            return Err(DiskError::LeadsOut { path: whole });
        }
        let metadata = fs::metadata(&real).tried("look at", &real)?;
        let located = Located { path: real, stat: FileStat::of(&metadata) };
        Ok(metadata.is_file().then_some(located))
    }

    /// Whether all folders above `path` exist and none is a link.
    pub(crate) fn has_plain_folders(&mut self, path: &InnerPath) -> bool {
        path.ancestors().all(|folder| {
            if let Some(known) = self.plain.get(folder) {
                return *known;
            }
            // Names of a `RelPath` are safe to join as they are.
            let is_folder = fs::symlink_metadata(self.root.join(folder)).is_ok_and(|found| found.is_dir());
            self.plain.insert(folder.to_owned(), is_folder);
            is_folder
        })
    }

    fn is_inside(&mut self, real: &Path) -> Result<bool, DiskError> {
        let root = match &mut self.real_root {
            Some(root) => root,
            empty => empty.insert(fs::canonicalize(self.root).tried("find", self.root)?),
        };
        Ok(is_payload_path(root, real))
    }
}

/// Whether `real` lies in the payload below `root`: inside, and not among what is ours or in `local/`.
fn is_payload_path(root: &Path, real: &Path) -> bool {
    let Ok(inside) = real.strip_prefix(root) else { return false };
    let first = inside.components().next().and_then(|name| name.as_os_str().to_str());
    first.is_some_and(|name| !is_reserved_root_name(name))
}

/// How a tree is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    /// No link is followed; links are no files.
    Nothing,
    /// Links inside are followed, others by the policy.
    Inside(Links),
}

/// A file that [`walk`] found.
#[derive(Clone, Debug)]
pub(crate) struct WalkedFile {
    /// Relative to the root, joined by `/`. Any name: it may be no [`RelPath`].
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) stat: FileStat,
}

/// What [`walk`] found, in byte order of the names.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) files: Vec<WalkedFile>,
    /// Folders with nothing of the payload in them.
    pub(crate) empty_folders: Vec<String>,
    /// Names that are no Unicode, refused links, folders that are too deep.
    pub(crate) offenders: Vec<Offender>,
    /// Names in the root that belong to Lanspread, and links that were left out.
    pub(crate) skipped: Vec<String>,
}

struct Folder {
    name: String,
    path: PathBuf,
    real: PathBuf,
    depth: usize,
    /// Targets of the links that led here: a link back into one of them is a circle.
    trail: Option<Arc<Trail>>,
}

struct Trail {
    target: PathBuf,
    before: Option<Arc<Trail>>,
}

impl Folder {
    fn closes_circle(&self, target: &Path) -> bool {
        let mut trail = self.trail.as_ref();
        while let Some(link) = trail {
            if link.target == target {
                return true;
            }
            trail = link.before.as_ref();
        }
        self.real.starts_with(target)
    }
}

/// All files of a folder that are a payload when nothing else is known: all but `local/`, Lanspread's own names in
/// the root, and what operating systems drop.
pub(crate) fn walk(root: &Path, follow: Follow, cancel: &Cancel) -> Result<Walked, DiskError> {
    let mut walked = Walked::default();
    let real_root = fs::canonicalize(root).tried("open", root)?;
    let first =
        Folder { name: String::new(), path: root.to_owned(), real: real_root.clone(), depth: 0, trail: None };
    let mut folders = vec![first];
    while let Some(folder) = folders.pop() {
        cancel.check()?;
        let mut is_empty = true;
        for entry in fs::read_dir(&folder.path).tried("list", &folder.path)? {
            let entry = entry.tried("list", &folder.path)?;
            is_empty &= !walk_entry(&entry, &folder, &real_root, follow, &mut walked, &mut folders)?;
        }
        if is_empty && folder.depth > 0 {
            walked.empty_folders.push(folder.name);
        }
    }
    walked.files.sort_by(|a, b| a.name.cmp(&b.name));
    walked.empty_folders.sort();
    Ok(walked)
}

/// Whether the entry is part of the payload.
fn walk_entry(
    entry: &fs::DirEntry,
    folder: &Folder,
    real_root: &Path,
    follow: Follow,
    walked: &mut Walked,
    folders: &mut Vec<Folder>,
) -> Result<bool, DiskError> {
    let file_name = entry.file_name();
    let lossy = file_name.to_string_lossy();
    let name = if folder.depth == 0 { lossy.to_string() } else { format!("{}/{lossy}", folder.name) };
    if folder.depth == 0 && is_reserved_root_name(&lossy) {
        walked.skipped.push(name);
        return Ok(false);
    }
    if is_ignored_name(&lossy) {
        return Ok(false);
    }
    let mut refuse =
        |reason: &str| walked.offenders.push(Offender { path: name.clone(), reason: reason.into() });
    if file_name.to_str().is_none() {
        refuse("the name is no Unicode");
        return Ok(true);
    }
    let path = entry.path();
    // A file that vanishes while we look is none.
    let Ok(mut metadata) = fs::symlink_metadata(&path) else { return Ok(false) };
    let mut real = folder.real.join(&file_name);
    let mut trail = folder.trail.clone();
    if metadata.is_symlink() {
        let Follow::Inside(leaving) = follow else { return Ok(false) };
        let Ok(target) = fs::canonicalize(&path) else {
            if leaving == Links::Skip {
                walked.skipped.push(name);
                return Ok(false);
            }
            refuse("is a link to nothing");
            return Ok(true);
        };
        if !is_payload_path(real_root, &target) {
            match leaving {
                Links::Refuse => {
                    refuse(&format!("is a link that leads out, to “{}”", target.display()));
                    return Ok(true);
                }
                Links::Skip => {
                    walked.skipped.push(name);
                    return Ok(false);
                }
                Links::Copy => {}
            }
        }
        metadata = fs::metadata(&target).tried("look at", &target)?;
        if metadata.is_dir() && folder.closes_circle(&target) {
            refuse("is a link to a folder around itself");
            return Ok(true);
        }
        trail = Some(Arc::new(Trail { target: target.clone(), before: trail }));
        real = target;
    }
    if metadata.is_dir() {
        if folder.depth + 1 >= MAX_PATH_DEPTH {
            refuse("is deeper than any payload may be");
        } else {
            folders.push(Folder { name, path, real, depth: folder.depth + 1, trail });
        }
    } else if metadata.is_file() {
        walked.files.push(WalkedFile { name, path, stat: FileStat::of(&metadata) });
    } else {
        // Sockets, pipes and devices hold nothing that could be shared.
        return Ok(false);
    }
    Ok(true)
}

/// Opens a file for reading by chunks at any place.
pub(crate) fn read_exact_at(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
    }
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < buffer.len() {
            let at = offset + done as u64;
            match std::os::windows::fs::FileExt::seek_read(file, &mut buffer[done..], at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Writes all of `bytes` at `offset`, whatever other threads write elsewhere in the file.
pub(crate) fn write_all_at(file: &fs::File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
    }
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            match std::os::windows::fs::FileExt::seek_write(file, &bytes[done..], at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::disk::testing::Tree;

    #[test]
    fn links_inside_are_followed_and_those_outside_obey_the_policy() {
        let outside = Tree::new(&[("secret", b"x")]);
        let tree =
            Tree::new(&[("data/a", b"a"), ("local/save", b"s"), ("Thumbs.db", b""), ("void/.DS_Store", b"")]);
        let root = tree.path();
        symlink("a", root.join("data/b")).unwrap();
        symlink("../data", root.join("data/circle")).unwrap();
        symlink("data", root.join("more")).unwrap();
        symlink("local/save", root.join("saves")).unwrap();
        symlink(outside.path(), root.join("out")).unwrap();
        let names = |walked: &Walked| walked.files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
        let offenders =
            |walked: &Walked| walked.offenders.iter().map(|one| one.path.clone()).collect::<Vec<_>>();

        let walked = walk(root, Follow::Inside(Links::Refuse), &Cancel::new()).unwrap();
        assert_eq!(names(&walked), ["data/a", "data/b", "more/a", "more/b"]);
        assert_eq!(walked.empty_folders, ["void"]);
        let mut refused = offenders(&walked);
        refused.sort();
        assert_eq!(refused, ["data/circle", "more/circle", "out", "saves"]);

        let walked = walk(root, Follow::Inside(Links::Copy), &Cancel::new()).unwrap();
        assert!(names(&walked).contains(&"out/secret".to_owned()));
        let walked = walk(root, Follow::Inside(Links::Skip), &Cancel::new()).unwrap();
        assert!(walked.skipped.contains(&"out".to_owned()));
        let walked = walk(root, Follow::Nothing, &Cancel::new()).unwrap();
        assert_eq!(names(&walked), ["data/a"]);

        let mut locator = Locator::new(root);
        let mut find = |path: &str| locator.file(&path.parse().unwrap());
        assert_eq!(find("data/a").unwrap().unwrap().path, root.join("data/a"));
        let real = fs::canonicalize(root.join("data/a")).unwrap();
        assert_eq!(find("more/a").unwrap().unwrap().path, real);
        assert!(find("data").unwrap().is_none() && find("none/x").unwrap().is_none());
        assert!(matches!(find("out/secret"), Err(DiskError::LeadsOut { .. })));
        assert!(matches!(find("saves"), Err(DiskError::LeadsOut { .. })));
    }
}
