//! The catalog's side of publishing: the newest one known, the organiser's key, the new entry.

use std::fs;
use std::path::{Path, PathBuf};

use lanspread_protocol::{Blake3Hash, Catalog, Manifest, OrganiserKey, OrganiserSecret};

use super::PublishError;
use super::request::Checked;
use crate::disk::catalog_file::{self, key_path};
use crate::disk::{DiskError, GamesFolder, atomic};
use crate::transaction::swap::StagedCatalog;

/// The party's name in a catalog that publishing makes. A person changes it in the file.
const NEW_PARTY: &str = "LAN party";

/// A catalog about to be changed, and the key that signs it.
#[derive(Debug)]
pub(super) struct Publication {
    path: PathBuf,
    catalog: Catalog,
    secret: OrganiserSecret,
    /// Where the key is to be written: it was made just now.
    new_key: Option<PathBuf>,
}

impl Publication {
    /// Reads everything and writes nothing.
    pub(super) fn open(games: &GamesFolder, path: &Path, key: Option<&Path>) -> Result<Self, PublishError> {
        let file = catalog_file::load(path)?;
        let signer = file.as_ref().filter(|file| file.is_signed()).and_then(|file| file.signature.as_ref());
        let signer = signer.map(|signature| signature.key);
        let (secret, new_key) = find_key(path, key, signer)?;
        let parse = |bytes: &[u8]| {
            Catalog::parse(bytes).map_err(|cause| PublishError::Catalog { path: path.to_owned(), cause })
        };
        let catalog = file.as_ref().map(|file| parse(&file.bytes)).transpose()?;
        let mut catalog =
            catalog.unwrap_or_else(|| Catalog { party: NEW_PARTY.to_owned(), ..Catalog::default() });
        // The party may have a newer one of this key than the file: then that is what changes.
        let known = catalog_file::load_newest(games).filter(|known| known.head.key == secret.public());
        if let Some(known) = known {
            let hash = file.as_ref().map_or(Blake3Hash([0; 32]), |file| Blake3Hash::of(&file.bytes));
            if (known.head.serial, known.head.hash) > (catalog.serial, hash) {
                catalog = known.catalog;
            }
        }
        Ok(Self { path: path.to_owned(), catalog, secret, new_key })
    }

    /// Whether the catalog can hold the entry: before any work begins.
    pub(super) fn check(&self, checked: &Checked) -> Result<(), PublishError> {
        self.with_entry(checked, None).map(drop)
    }

    /// Writes the changed catalog and its signature beside the old ones.
    pub(super) fn stage(
        &mut self,
        checked: &Checked,
        manifest: &Manifest,
    ) -> Result<StagedCatalog, PublishError> {
        let bytes = self.with_entry(checked, Some(manifest))?;
        if let Some(path) = &self.new_key {
            write_key(path, &self.secret)?;
        }
        catalog_file::stage(&self.path, &bytes, &self.secret.sign(&bytes))?;
        // The plan outlives this program's working directory.
        let path = std::path::absolute(&self.path).map_err(|cause| DiskError::Io {
            action: "find",
            path: self.path.clone(),
            cause,
        })?;
        Ok(StagedCatalog { path, hash: Blake3Hash::of(&bytes) })
    }

    pub(super) fn new_key(&self) -> Option<PathBuf> {
        self.new_key.clone()
    }

    fn with_entry(&self, checked: &Checked, manifest: Option<&Manifest>) -> Result<Vec<u8>, PublishError> {
        let mut catalog = self.catalog.clone();
        let mut entry = checked.entry(catalog.game(&checked.game));
        entry.manifest = manifest.map(Manifest::id);
        entry.size = manifest.map(Manifest::total_bytes);
        catalog.put(entry);
        catalog.serial += 1;
        let failed = |cause| PublishError::Catalog { path: self.path.clone(), cause };
        let text = catalog.to_text().map_err(failed)?;
        // What we write must be what others can read.
        Catalog::parse(text.as_bytes()).map_err(failed)?;
        Ok(text.into_bytes())
    }
}

/// The given key, else the one beside the catalog, else a new one unless the catalog is somebody's already.
fn find_key(
    catalog: &Path,
    given: Option<&Path>,
    signer: Option<OrganiserKey>,
) -> Result<(OrganiserSecret, Option<PathBuf>), PublishError> {
    let path = given.map_or_else(|| key_path(catalog), Path::to_owned);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let secret = OrganiserSecret::from_file(&text);
            let secret = secret.map_err(|cause| PublishError::Key { path, cause })?;
            match signer.filter(|signer| given.is_none() && *signer != secret.public()) {
                Some(key) => Err(PublishError::ForeignKey { key }),
                None => Ok((secret, None)),
            }
        }
        Err(error) if given.is_none() && atomic::is_absent(&error) => match signer {
            Some(key) => Err(PublishError::ForeignKey { key }),
            None => Ok((OrganiserSecret::from_seed(rand::random()), Some(path))),
        },
        Err(cause) => Err(DiskError::Io { action: "read", path, cause }.into()),
    }
}

/// Readable by its owner only, and durable before anything is signed with it.
fn write_key(path: &Path, secret: &OrganiserSecret) -> Result<(), DiskError> {
    let io = |cause| DiskError::Io { action: "create", path: path.to_owned(), cause };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(io)?;
    }
    // The temporary files behind this are their owner's only.
    atomic::write(path, secret.to_file().as_bytes())
}
