//! Catalogs on disk: the given file, and the newest one by the pinned key.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use lanspread_engine::{GivenCatalog, Input};
use lanspread_protocol::{Blake3Hash, Catalog, ManifestId, OrganiserKey, SignedCatalog};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::catalog_file;

/// How often the given file is looked at. One look is one `stat`.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// Catalogs that are kept to be served: the one in force, and those that peers may still be fetching.
const KEPT: usize = 4;

/// Catalogs that others may fetch, and the file that is watched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogs(Arc<Mutex<Inner>>);

/// What a published catalog is to the peer that runs.
#[derive(Debug, Default)]
pub(crate) struct AfterPublish {
    /// For the engine.
    pub(crate) given: Option<GivenCatalog>,
    /// People see what was published.
    pub(crate) is_in_force: bool,
}

#[derive(Debug, Default)]
struct Inner {
    served: Vec<Arc<SignedCatalog>>,
    given: Option<PathBuf>,
    /// What the given file pins.
    given_manifests: Vec<ManifestId>,
}

impl Catalogs {
    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Others may fetch this one from now on.
    pub(crate) fn remember(&self, catalog: &Arc<SignedCatalog>) {
        self.with(|inner| {
            inner.served.retain(|served| served.head.hash != catalog.head.hash);
            inner.served.push(Arc::clone(catalog));
            let surplus = inner.served.len().saturating_sub(KEPT);
            inner.served.drain(..surplus);
        });
    }

    pub(crate) fn remember_given(&self, given: &GivenCatalog) {
        let catalog = match given {
            GivenCatalog::Signed(signed) => {
                self.remember(signed);
                &signed.catalog
            }
            GivenCatalog::Plain(catalog) => &**catalog,
        };
        self.with(|inner| inner.given_manifests = manifests(catalog).collect());
    }

    /// The manifests that the given file pins.
    pub(crate) fn given_manifests(&self) -> Vec<ManifestId> {
        self.with(|inner| inner.given_manifests.clone())
    }

    /// Signature and file, as they travel.
    pub(crate) fn blob(&self, hash: Blake3Hash) -> Option<Vec<u8>> {
        self.with(|inner| {
            let catalog = inner.served.iter().find(|catalog| catalog.head.hash == hash)?;
            Some([&catalog.signature.signature[..], &catalog.bytes].concat())
        })
    }

    /// The given file is this one.
    pub(crate) fn watch(&self, path: PathBuf) {
        self.with(|inner| inner.given = Some(path));
    }

    /// A catalog file was published. It is for this peer if it is the given one, the first one, or by the pinned key;
    /// but while a catalog by the pinned key is `held`, no other one is in force.
    pub(crate) fn after_publish(
        &self,
        path: &Path,
        pinned: Option<OrganiserKey>,
        held: Option<OrganiserKey>,
    ) -> AfterPublish {
        let Ok(read) = read_given(path) else { return AfterPublish::default() };
        let signer = match &read {
            GivenCatalog::Signed(signed) => Some(signed.head.key),
            GivenCatalog::Plain(_) => None,
        };
        let given = self.given();
        let is_given = given.as_deref().is_none_or(|given| given == path);
        let is_pinned = pinned.is_some() && signer == pinned;
        if !is_given && !is_pinned {
            return AfterPublish::default();
        }
        if given.is_none() {
            self.watch(path.to_owned());
        }
        self.remember_given(&read);
        AfterPublish { given: Some(read), is_in_force: is_pinned || held.is_none() }
    }

    pub(crate) fn given(&self) -> Option<PathBuf> {
        self.with(|inner| inner.given.clone())
    }

    /// Reads the given file again whenever it changes. A change that breaks it is logged; what is in force stays.
    pub(crate) async fn watch_given(
        &self,
        inputs: mpsc::Sender<Input>,
        token: CancellationToken,
    ) -> Result<(), String> {
        let mut seen = self.given().map(|path| (stamp(&path), path));
        loop {
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
            let Some(path) = self.given() else { continue };
            let now = Some((stamp(&path), path.clone()));
            if now == seen {
                continue;
            }
            seen = now;
            let read = tokio::task::spawn_blocking(move || read_given(&path)).await;
            match read.map_err(|error| error.to_string())? {
                Ok(given) => {
                    self.remember_given(&given);
                    if inputs.send(Input::CatalogGiven(given)).await.is_err() {
                        return Ok(());
                    }
                }
                Err(message) => tracing::warn!("the catalog file changed and is not used: {message}"),
            }
        }
    }
}

/// The manifests that a catalog pins.
pub(crate) fn manifests(catalog: &Catalog) -> impl Iterator<Item = ManifestId> {
    catalog.games.iter().filter_map(|game| game.manifest)
}

/// What changes when a file or its signature does.
fn stamp(path: &Path) -> [Option<(u64, SystemTime)>; 2] {
    [path.to_owned(), catalog_file::signature_path(path)].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    })
}

/// A catalog file, with the signature beside it if there is one; a wrong signature is an error. The message is for
/// people and names the file.
pub(crate) fn read_given(path: &Path) -> Result<GivenCatalog, String> {
    catalog_file::read(path).map_err(|error| error.to_string())
}
