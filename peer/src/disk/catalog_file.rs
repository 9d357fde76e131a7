//! A catalog and its signature on disk: two files that change as one.
//!
//! `catalog.ron` and `catalog.ron.sig` cannot be replaced in one step, so a change is *staged* first: both new files
//! lie durable beside the old ones, as `.new`. *Commit* moves the signature, then the catalog. A crash between the
//! two leaves a signature that fits the staged catalog and not the old one: [`load`] sees that and completes the
//! move. Before the first move the old pair is whole, and what is staged is nothing to anybody.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use lanspread_protocol::limits::MAX_CATALOG_BYTES;
use lanspread_protocol::{Blake3Hash, CatalogSignature, SignedCatalog};

use super::error::Tried as _;
use super::{DiskError, GamesFolder, atomic};

/// A catalog file as it lies on disk, neither verified nor parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogFile {
    pub bytes: Vec<u8>,
    /// `None` without a signature file, or one that cannot be read as such.
    pub signature: Option<CatalogSignature>,
}

impl CatalogFile {
    /// Whether the signature is there and fits.
    pub fn is_signed(&self) -> bool {
        self.signature.as_ref().is_some_and(|signature| signature.verify(&self.bytes).is_ok())
    }
}

/// Where the signature of the catalog at `path` lies.
pub fn signature_path(path: &Path) -> PathBuf {
    with_ending(path, ".sig")
}

/// Where the first publish puts the key of the catalog at `path`.
pub fn key_path(path: &Path) -> PathBuf {
    with_ending(path, ".key")
}

/// Reads a catalog, completing a change that was interrupted. `None` if there is none.
pub fn load(path: &Path) -> Result<Option<CatalogFile>, DiskError> {
    let Some(file) = read_pair(path)? else { return Ok(None) };
    if file.is_signed() {
        return Ok(Some(file));
    }
    let staged = read_bounded(&with_ending(path, ".new"))?;
    let fits_staged =
        |signature: &CatalogSignature| staged.as_ref().is_some_and(|bytes| signature.verify(bytes).is_ok());
    if file.signature.as_ref().is_some_and(fits_staged) {
        atomic::rename(&with_ending(path, ".new"), path)?;
        return read_pair(path);
    }
    // A signature without a catalog is nothing.
    Ok(path.exists().then_some(file))
}

/// Replaces catalog and signature as one.
pub fn store(path: &Path, bytes: &[u8], signature: &CatalogSignature) -> Result<(), DiskError> {
    stage(path, bytes, signature)?;
    commit(path, Blake3Hash::of(bytes))
}

/// Writes the new pair beside the old one, durable.
pub(crate) fn stage(path: &Path, bytes: &[u8], signature: &CatalogSignature) -> Result<(), DiskError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder).tried("create the folder", folder)?;
    }
    atomic::write_shared(&with_ending(path, ".new"), bytes)?;
    atomic::write_shared(&with_ending(path, ".sig.new"), signature.to_string().as_bytes())
}

/// Puts the staged pair into force, if its catalog has this hash. Doing it twice equals once.
pub(crate) fn commit(path: &Path, hash: Blake3Hash) -> Result<(), DiskError> {
    let staged = read_bounded(&with_ending(path, ".new"))?;
    if staged.is_none_or(|bytes| Blake3Hash::of(&bytes) != hash) {
        return Ok(());
    }
    let signature = with_ending(path, ".sig.new");
    if fs::symlink_metadata(&signature).is_ok() {
        atomic::rename(&signature, &signature_path(path))?;
    }
    atomic::rename(&with_ending(path, ".new"), path)
}

/// Removes what was staged and is not wanted any more.
pub(crate) fn unstage(path: &Path) -> Result<(), DiskError> {
    atomic::remove_if_there(&with_ending(path, ".sig.new"))?;
    atomic::remove_if_there(&with_ending(path, ".new"))?;
    Ok(())
}

/// Stores the newest catalog that a peer holds, by the pinned key. Nobody edits it by hand, so it is one file: the
/// signature's line, then the catalog. Text and signature cannot be of two versions.
pub fn store_newest(games: &GamesFolder, catalog: &SignedCatalog) -> Result<(), DiskError> {
    atomic::write(&games.catalog(), &[catalog.signature.to_string().as_bytes(), &catalog.bytes].concat())
}

/// What [`store_newest`] stored, if it is there and its signature right.
pub fn load_newest(games: &GamesFolder) -> Option<SignedCatalog> {
    let stored = read_bounded(&games.catalog()).ok()??;
    let end = stored.iter().position(|byte| *byte == b'\n')?;
    let signature = std::str::from_utf8(&stored[..end]).ok()?.parse().ok()?;
    match SignedCatalog::open(stored[end + 1..].to_vec(), signature) {
        Ok(signed) => Some(signed),
        Err(error) => {
            tracing::warn!(%error, "the stored catalog is not used");
            None
        }
    }
}

fn read_pair(path: &Path) -> Result<Option<CatalogFile>, DiskError> {
    let bytes = read_bounded(path)?;
    let text = read_bounded(&signature_path(path))?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let signature = text.and_then(|text| text.parse().ok());
    match (bytes, &signature) {
        (Some(bytes), _) => Ok(Some(CatalogFile { bytes, signature })),
        // The first catalog of all, interrupted: an empty one has no signature that fits.
        (None, Some(_)) => Ok(Some(CatalogFile { bytes: Vec::new(), signature })),
        (None, None) => Ok(None),
    }
}

/// A little more than allowed is read at most, with room for a signature's line: the parser says that it is too large.
fn read_bounded(path: &Path) -> Result<Option<Vec<u8>>, DiskError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if atomic::is_absent(&error) => return Ok(None),
        Err(error) => return Err(error).tried("open", path),
    };
    let mut bytes = Vec::new();
    let mut bounded = std::io::Read::take(file, MAX_CATALOG_BYTES as u64 + 1024);
    std::io::Read::read_to_end(&mut bounded, &mut bytes).tried("read", path)?;
    Ok(Some(bytes))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use lanspread_protocol::OrganiserSecret;

    use super::*;
    use crate::disk::testing::Tree;

    #[cfg(unix)]
    #[test]
    fn who_may_read_it_is_as_usual() {
        use std::os::unix::fs::PermissionsExt as _;
        let tree = Tree::new(&[("usual", b"")]);
        let path = tree.path().join("catalog.ron");
        store(&path, b"text", &OrganiserSecret::from_seed([1; 32]).sign(b"text")).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode();
        let usual = mode(tree.path().join("usual"));
        assert_eq!((mode(path.clone()), mode(signature_path(&path))), (usual, usual));
    }

    #[test]
    fn a_change_interrupted_anywhere_is_the_old_or_the_new_pair() {
        let secret = OrganiserSecret::from_seed([1; 32]);
        let pair = |bytes: &[u8]| CatalogFile { bytes: bytes.to_vec(), signature: Some(secret.sign(bytes)) };
        let (old, new) = (pair(b"old"), pair(b"new"));
        for has_old in [true, false] {
            for moved in 0..=3 {
                let tree = Tree::new(&[]);
                let path = tree.path().join("catalog.ron");
                if has_old {
                    store(&path, b"old", &secret.sign(b"old")).unwrap();
                    assert_eq!(load(&path).unwrap().unwrap(), old);
                }
                let before = has_old.then(|| old.clone());
                stage(&path, b"new", &secret.sign(b"new")).unwrap();
                if moved >= 1 {
                    fs::rename(with_ending(&path, ".sig.new"), signature_path(&path)).unwrap();
                }
                if moved >= 2 {
                    fs::rename(with_ending(&path, ".new"), &path).unwrap();
                }
                if moved >= 3 {
                    commit(&path, Blake3Hash::of(b"new")).unwrap();
                    unstage(&path).unwrap();
                }
                let expected = if moved >= 1 { Some(new.clone()) } else { before };
                assert_eq!(load(&path).unwrap(), expected, "{has_old}, {moved}");
                commit(&path, Blake3Hash::of(b"new")).unwrap();
                assert_eq!(load(&path).unwrap().unwrap(), new);
            }
        }
    }
}
