//! What a person must see wherever they are: one thing at a time, the worst first, until it is mended.

use lanspread_engine::{CatalogSource, ErrorCode, OfferedCatalogView};

use super::{Fault, Source, failure};

/// What the banner says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BannerModel {
    /// The peer could not start.
    NotStarted { why: Fault },
    /// The network service has stopped, as it says itself.
    Stopped { why: Fault },
    /// The games folder is not there any more, while the peer runs.
    FolderGone { games: String },
    /// Games wait for space.
    DriveFull { place: Option<String>, title: String, others: usize },
    /// The catalog file that was chosen is not used.
    CatalogUnused { why: Fault },
    /// Others follow an organiser's catalog, and none counts here.
    CatalogOffered(OfferedCatalogView),
}

impl BannerModel {
    /// `catalog_problem`: why a chosen catalog file is not used.
    pub fn new(source: Source<'_>, catalog_problem: Option<&Fault>) -> Option<Self> {
        if let Some(failure) = &source.snapshot.failure {
            let why = Fault::Words(failure.error.clone());
            let has_run = source.snapshot.ready.is_some();
            let not_started = || source.told.not_started.clone().unwrap_or_else(|| why.clone());
            return Some(if has_run {
                Self::Stopped { why }
            } else {
                Self::NotStarted { why: not_started() }
            });
        }
        folder_gone(source)
            .or_else(|| drive_full(source))
            .or_else(|| catalog_problem.map(|why| Self::CatalogUnused { why: why.clone() }))
            .or_else(|| offered(source).map(Self::CatalogOffered))
    }
}

fn folder_gone(source: Source<'_>) -> Option<BannerModel> {
    let ready = source.snapshot.ready.as_ref().filter(|_| source.snapshot.folder_is_gone)?;
    Some(BannerModel::FolderGone { games: ready.games_dir.clone() })
}

fn drive_full(source: Source<'_>) -> Option<BannerModel> {
    let games = source.games().iter();
    let mut waiting =
        games.filter(|game| failure(game).is_some_and(|failure| failure.error.code == ErrorCode::NoSpace));
    let first = waiting.next()?;
    Some(BannerModel::DriveFull {
        place: source.place(),
        title: first.title.clone(),
        others: waiting.count(),
    })
}

/// The catalog that most PCs hold, as long as no organiser's counts here.
pub(super) fn offered(source: Source<'_>) -> Option<OfferedCatalogView> {
    let view = source.view()?;
    let is_trusted = matches!(view.catalog, CatalogSource::Pinned(_));
    let offered = view.offered.iter().filter(|_| !is_trusted);
    offered.max_by_key(|offered| offered.peers).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;
    use crate::sample;
    use lanspread_engine::OperationKind;
    use lanspread_peer::api::Snapshot;
    use lanspread_protocol::OrganiserKey;

    fn banner(snapshot: &Snapshot, problem: Option<&Fault>) -> Option<BannerModel> {
        BannerModel::new(Source { snapshot, told: &Told::default() }, problem)
    }

    #[test]
    fn the_worst_comes_first() {
        let mut snapshot = sample::party();
        assert_eq!(banner(&snapshot, None), None);
        let offered = sample::offered("Nord", OrganiserKey([7; 32]));
        let mut small = sample::offered("Small", OrganiserKey([8; 32]));
        small.peers = 1;
        let view = snapshot.view.as_mut().and_then(std::sync::Arc::get_mut).unwrap();
        view.offered = vec![offered.clone(), small];
        assert_eq!(banner(&snapshot, None), Some(BannerModel::CatalogOffered(offered)));
        let why = Fault::Changed("party.ron".into());
        let unused = BannerModel::CatalogUnused { why: why.clone() };
        assert_eq!(banner(&snapshot, Some(&why)), Some(unused));
        sample::fail(&mut snapshot, "veloren", OperationKind::Download, ErrorCode::NoSpace);
        let full =
            BannerModel::DriveFull { place: Some("D:".to_owned()), title: "Veloren".to_owned(), others: 0 };
        assert_eq!(banner(&snapshot, Some(&why)), Some(full));
        snapshot.folder_is_gone = true;
        assert!(matches!(banner(&snapshot, None), Some(BannerModel::FolderGone { .. })));
        snapshot.failure = Some(sample::failure());
        assert!(matches!(banner(&snapshot, None), Some(BannerModel::Stopped { .. })));
        snapshot.ready = None;
        let words = Fault::Words(sample::failure().error);
        assert_eq!(banner(&snapshot, None), Some(BannerModel::NotStarted { why: words }));
        let told = Told { not_started: Some(Fault::PortsTaken), ..Told::default() };
        let known = BannerModel::new(Source { snapshot: &snapshot, told: &told }, None);
        assert_eq!(known, Some(BannerModel::NotStarted { why: Fault::PortsTaken }));
    }

    #[test]
    fn who_trusts_an_organiser_is_not_asked_again() {
        let mut snapshot = sample::party();
        let view = snapshot.view.as_mut().and_then(std::sync::Arc::get_mut).unwrap();
        view.offered = vec![sample::offered("Other", OrganiserKey([7; 32]))];
        view.catalog = CatalogSource::Pinned(OrganiserKey([1; 32]));
        assert_eq!(banner(&snapshot, None), None);
    }
}
