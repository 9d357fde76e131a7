//! A catalog as a file that a person keeps, with its signature beside it.
//!
//! What lies beside `catalog.ron` as `catalog.ron.sig` must fit: a file with a wrong signature is no catalog, not even
//! an unsigned one. How the two change as one is [`crate::disk::catalog_file`]'s business.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lanspread_engine::GivenCatalog;
use lanspread_protocol::limits::MAX_CATALOG_BYTES;
use lanspread_protocol::{
    Catalog, CatalogError, OrganiserKey, OrganiserSecret, SignatureError, SignedCatalog,
};
use thiserror::Error;

use crate::disk::catalog_file as disk_file;
use crate::disk::{DiskError, atomic};

pub use crate::disk::catalog_file::signature_path;

/// Key and signature files are one line; anything much longer is something else.
const MAX_LINE_FILE_BYTES: usize = 4 * 1024;

/// Why a file is no catalog, or cannot be signed.
#[derive(Debug, Error)]
pub enum CatalogFileError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("cannot {action} “{}”: {cause}", path.display())]
    Io { action: &'static str, path: PathBuf, cause: io::Error },
    #[error("“{}”: {cause}", path.display())]
    Catalog { path: PathBuf, cause: CatalogError },
    #[error("“{}”: {cause}", path.display())]
    Signature { path: PathBuf, cause: SignatureError },
    #[error("“{}” is longer than {most} bytes", path.display())]
    TooLong { path: PathBuf, most: usize },
}

/// Reads and checks a catalog, and its signature if there is one.
pub fn read(path: &Path) -> Result<GivenCatalog, CatalogFileError> {
    let none = || CatalogFileError::Io {
        action: "read",
        path: path.to_owned(),
        cause: io::Error::new(io::ErrorKind::NotFound, "there is no such file"),
    };
    let file = disk_file::load(path)?.ok_or_else(none)?;
    let Some(signature) = file.signature else {
        let beside = signature_path(path);
        if beside.exists() {
            return Err(CatalogFileError::Signature { path: beside, cause: SignatureError::SignatureFile });
        }
        let catalog = Catalog::parse(&file.bytes);
        let catalog = catalog.map_err(|cause| CatalogFileError::Catalog { path: path.to_owned(), cause })?;
        return Ok(GivenCatalog::Plain(Arc::new(catalog)));
    };
    let signed = SignedCatalog::open(file.bytes, signature);
    let signed = signed.map_err(|cause| CatalogFileError::Signature { path: path.to_owned(), cause })?;
    Ok(GivenCatalog::Signed(Arc::new(signed)))
}

/// Checks a catalog and writes its signature beside it.
pub fn sign(path: &Path, key: &Path) -> Result<OrganiserKey, CatalogFileError> {
    let secret = read_key(key)?;
    let bytes = read_at_most(path, MAX_CATALOG_BYTES)?;
    Catalog::parse(&bytes).map_err(|cause| CatalogFileError::Catalog { path: path.to_owned(), cause })?;
    atomic::write(&signature_path(path), secret.sign(&bytes).to_string().as_bytes())?;
    Ok(secret.public())
}

/// Reads an organiser's key.
pub fn read_key(path: &Path) -> Result<OrganiserSecret, CatalogFileError> {
    let text = read_at_most(path, MAX_LINE_FILE_BYTES)?;
    OrganiserSecret::from_file(text_of(&text))
        .map_err(|cause| CatalogFileError::Signature { path: path.to_owned(), cause })
}

/// Makes a key that only its owner can read. A file that is there already stays as it is.
pub fn create_key(path: &Path) -> Result<OrganiserKey, CatalogFileError> {
    let secret = OrganiserSecret::from_seed(rand::random());
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let io = |action| move |cause| CatalogFileError::Io { action, path: path.to_owned(), cause };
    let mut file = options.open(path).map_err(io("make the key"))?;
    let written = file.write_all(secret.to_file().as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        drop(file);
        // Half a key is no use, and would be in the way of the next attempt.
        drop(fs::remove_file(path));
        return Err(io("write the key")(error));
    }
    Ok(secret.public())
}

fn read_at_most(path: &Path, most: usize) -> Result<Vec<u8>, CatalogFileError> {
    let io = |cause| CatalogFileError::Io { action: "read", path: path.to_owned(), cause };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > most {
        return Err(CatalogFileError::TooLong { path: path.to_owned(), most });
    }
    Ok(bytes)
}

/// Bytes that are no text are no key and no signature either: the parsers say so.
fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &str = "(party: \"LAN\", serial: 3, games: [(id: \"chess\", title: \"Chess\")])";

    #[test]
    fn a_catalog_is_signed_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (catalog, key) = (folder.path().join("catalog.ron"), folder.path().join("key"));
        fs::write(&catalog, CATALOG).unwrap();
        assert!(matches!(read(&catalog).unwrap(), GivenCatalog::Plain(plain) if plain.serial == 3));
        let public = create_key(&key).unwrap();
        assert_eq!(sign(&catalog, &key).unwrap(), public);
        assert!(matches!(read(&catalog).unwrap(), GivenCatalog::Signed(signed) if signed.head.key == public));

        fs::write(&catalog, CATALOG.replace("Chess", "Go")).unwrap();
        let error = read(&catalog).unwrap_err().to_string();
        assert!(error.contains("catalog.ron”: the signature does not fit"), "{error}");
        fs::write(signature_path(&catalog), "no signature").unwrap();
        let error = read(&catalog).unwrap_err().to_string();
        assert!(error.contains("catalog.ron.sig”: this is no signature file"), "{error}");
    }

    #[test]
    fn errors_name_the_file_and_leave_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (catalog, key) = (folder.path().join("catalog.ron"), folder.path().join("key"));
        let error = read(&catalog).unwrap_err().to_string();
        assert!(error.starts_with("cannot read “") && error.contains("catalog.ron"), "{error}");
        fs::write(&catalog, "(party: \"LAN\",\n games: 7)").unwrap();
        let error = read(&catalog).unwrap_err().to_string();
        assert!(error.contains("catalog.ron”: line 2"), "{error}");
        create_key(&key).unwrap();
        let error = sign(&catalog, &key).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        assert!(!signature_path(&catalog).exists());
        let error = sign(&catalog, &catalog).unwrap_err().to_string();
        assert!(error.contains("catalog.ron”: this is no organiser's key file"), "{error}");
        let secret = fs::read(&key).unwrap();
        assert!(create_key(&key).is_err());
        assert_eq!(fs::read(&key).unwrap(), secret);
        fs::write(&key, "x".repeat(10_000)).unwrap();
        assert!(matches!(read_key(&key), Err(CatalogFileError::TooLong { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_a_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        create_key(&key).unwrap();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
