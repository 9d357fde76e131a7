//! An organiser's key: found, loaded or made. The key itself stays in its file; only the peer signs with it.

use std::path::{Path, PathBuf};

use lanspread_engine::GivenCatalog;
use lanspread_peer::catalog_file::{create_key, read, read_key};
use lanspread_peer::disk::catalog_file::{key_path, store};
use lanspread_protocol::{Catalog, OrganiserKey};

use crate::model::{Fault, Organiser};

/// The key that was chosen, else the one beside the catalog.
pub(super) fn find(catalog: &Path, key: Option<PathBuf>) -> Option<Organiser> {
    let key = key.unwrap_or_else(|| key_path(catalog));
    if !key.is_file() {
        return None;
    }
    load(catalog, key).inspect_err(|why| tracing::warn!(?why, "the organiser's key")).ok()
}

pub(super) fn load(catalog: &Path, key: PathBuf) -> Result<Organiser, Fault> {
    let public = read_key(&key)?.public();
    Ok(organiser(catalog, key, public))
}

fn organiser(catalog: &Path, key: PathBuf, public: OrganiserKey) -> Organiser {
    let party = read(catalog).ok().map(|given| match given {
        GivenCatalog::Signed(signed) => signed.catalog.party.clone(),
        GivenCatalog::Plain(plain) => plain.party.clone(),
    });
    Organiser { catalog: catalog.to_owned(), key, public, party }
}

/// Signs the `catalog` that is given if nobody has; else makes one of its `own`.
pub(super) fn make(catalog: Option<PathBuf>, own: PathBuf, party: &str) -> Result<Organiser, Fault> {
    let is_plain = |path: &PathBuf| matches!(read(path), Ok(GivenCatalog::Plain(_)));
    let catalog = catalog.filter(is_plain).unwrap_or(own);
    let key = key_path(&catalog);
    if let Some(folder) = catalog.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Fault::of_file(folder, &error))?;
    }
    if !key.exists() {
        create_key(&key)?;
    }
    let secret = read_key(&key)?;
    let old = read(&catalog).ok();
    let mut new = match old {
        Some(GivenCatalog::Signed(signed)) => signed.catalog.clone(),
        Some(GivenCatalog::Plain(plain)) => (*plain).clone(),
        None => Catalog::default(),
    };
    party.clone_into(&mut new.party);
    new.serial += 1;
    let bytes = new.to_text().map_err(|why| Fault::Catalog { path: catalog.clone(), why })?.into_bytes();
    store(&catalog, &bytes, &secret.sign(&bytes))?;
    Ok(organiser(&catalog, key, secret.public()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_organiser_has_a_signed_catalog_and_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("organiser").join("catalog.ron");
        assert_eq!(find(&own, None), None);
        let made = make(None, own.clone(), "LAN Nord").unwrap();
        assert_eq!((made.party.as_deref(), &made.catalog), (Some("LAN Nord"), &own));
        assert!(
            matches!(read(&own).unwrap(), GivenCatalog::Signed(signed) if signed.head.key == made.public)
        );
        assert_eq!(find(&own, None), Some(made.clone()));
        let again = make(None, own, "LAN Nord 2027").unwrap();
        assert_eq!(again.public, made.public, "a key is never made over another");
    }

    #[test]
    fn a_catalog_that_nobody_signed_is_signed_with_all_its_games() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("party.ron");
        std::fs::write(&path, "(party: \"LAN\", serial: 3, games: [(id: \"chess\", title: \"Chess\")])")
            .unwrap();
        let made = make(Some(path.clone()), folder.path().join("own.ron"), "LAN Nord").unwrap();
        assert_eq!(made.catalog, path);
        let Ok(GivenCatalog::Signed(signed)) = read(&path) else { panic!("it is not signed") };
        assert_eq!((signed.catalog.games.len(), signed.catalog.serial), (1, 4));
        let other = make(Some(path), folder.path().join("own.ron"), "Mine").unwrap();
        assert_eq!(other.catalog, folder.path().join("own.ron"), "somebody's catalog stays theirs");
    }
}
