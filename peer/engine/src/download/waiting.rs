//! Downloads that are asked for and wait: for their turn, or for a source.

use lanspread_protocol::message::OfferState;
use lanspread_protocol::{GameId, PeerId};

use super::{Download, Purpose, Stage};
use crate::command::{AfterDownload, CommandError, ErrorCode, KeptFiles};
use crate::effect::{Effect, StoreMode};
use crate::engine::Engine;
use crate::event::Event;
use crate::library::LocalState;
use crate::operations::{Lack, OperationKind, Waiting, Why, Work, unknown};
use crate::roster::Live;

impl Engine {
    pub(crate) fn start_download(&mut self, game: &GameId, then: AfterDownload) -> Result<(), CommandError> {
        let purpose = match then {
            AfterDownload::Nothing => Purpose::Fetch,
            AfterDownload::Install => Purpose::Install,
        };
        self.ask_for_download(game, purpose)
    }

    /// A download that a person wants: of what is not here, or of a new version of what is.
    fn ask_for_download(&mut self, game: &GameId, purpose: Purpose) -> Result<(), CommandError> {
        let Some(entry) = self.authority.game(game) else { return Err(unknown(game)) };
        if entry.version.is_none() {
            let message = format!("{game}: the catalog names no version, so there is nothing to download");
            return Err(CommandError::new(ErrorCode::CatalogMismatch, message));
        }
        if self.take_over_ahead(game, purpose) {
            return Ok(());
        }
        if self.wait_instead(game, Why::Turn) {
            if let Some(download) = self.operations.download_mut(game) {
                download.purpose = purpose;
            }
            return Ok(());
        }
        self.refuse_if_busy(game)?;
        if matches!(self.local_state(game), Some(LocalState::Downloaded | LocalState::Installed)) {
            self.emit(Event::OperationFinished { game: game.clone(), operation: OperationKind::Download });
            let is_installed = self.is_install_current(game);
            return match purpose {
                Purpose::Install if !is_installed => self.start_install(game, KeptFiles::Restore),
                Purpose::Install | Purpose::Fetch | Purpose::Ahead => Ok(()),
            };
        }
        if self.sources(game).is_empty() {
            self.forget_choice(game);
        }
        let is_waiting = self.operations.queue().iter().any(|waiting| waiting.game == *game);
        if !is_waiting && self.sources(game).is_empty() {
            return Err(CommandError::new(
                ErrorCode::NoSource,
                format!("nobody here has this version of {game} right now"),
            ));
        }
        self.operations.enqueue(game, Why::Turn, purpose);
        Ok(())
    }

    /// What is installed is what the payload brings.
    fn is_install_current(&self, game: &GameId) -> bool {
        self.library.game(game).is_some_and(|local| {
            local.scan.has_local
                && local.scan.installed.as_ref().is_none_or(|own| Some(own) == local.scan.version.as_ref())
        })
    }

    pub(crate) fn start_update(&mut self, game: &GameId) -> Result<(), CommandError> {
        if self.authority.game(game).is_none() {
            return Err(unknown(game));
        }
        if self.library.game(game).is_none_or(|local| local.scan.version.is_none()) {
            let message = format!("{game} is not downloaded, so there is nothing to update");
            return Err(self.or_busy(game, CommandError::new(ErrorCode::NotDownloaded, message)));
        }
        self.refuse_if_running(game)?;
        let is_installed = self.library.game(game).is_some_and(|local| local.scan.has_local);
        self.ask_for_download(game, if is_installed { Purpose::Install } else { Purpose::Fetch })
    }

    /// Peers that have something of the expected version: complete ones with any manifest as long as none is accepted.
    pub(super) fn sources(&self, game: &GameId) -> Vec<PeerId> {
        let accepted = self.authority.accepted(game);
        let expected = self.authority.expected(game);
        let is_source = |offer: &OfferState| match offer {
            OfferState::Complete { version, manifest } => {
                Some(version) == expected && accepted.is_none_or(|accepted| accepted == *manifest)
            }
            OfferState::Partial { version, manifest, .. } => {
                Some(version) == expected && accepted == Some(*manifest)
            }
            OfferState::LocalOnly => false,
        };
        let live = self.roster.live_peers().filter_map(|(peer, _)| Some((peer, self.roster.live(peer)?)));
        let is_trusted = |live: &Live| !live.lied.contains(game);
        live.filter(|(_, live)| is_trusted(live) && live.offers.get(game).is_some_and(is_source))
            .map(|(peer, _)| peer)
            .collect()
    }

    pub(crate) fn source_count(&self, game: &GameId) -> usize {
        self.sources(game).len()
    }

    /// Whether a source is here that can bring what is lacking.
    pub(super) fn has_source_for(&self, game: &GameId, lack: &Lack) -> bool {
        let accepted = self.authority.accepted(game);
        let brings = |offer: &OfferState| match (offer, &lack.missing) {
            (OfferState::Complete { .. }, _) => true,
            (OfferState::Partial { units, .. }, Some((manifest, missing))) if accepted == Some(*manifest) => {
                units.iter().any(|unit| missing.contains(unit))
            }
            (OfferState::Partial { units, .. }, _) => !units.is_empty(),
            (OfferState::LocalOnly, _) => false,
        };
        let offer_of = |peer: PeerId| self.roster.live(peer).and_then(|live| live.offers.get(game));
        self.sources(game).into_iter().any(|peer| offer_of(peer).is_some_and(brings))
    }

    /// Starts downloads whose turn it is.
    pub(crate) fn start_waiting_downloads(&mut self) {
        if !self.operations.take_look(self.now) {
            return;
        }
        let line: Vec<Waiting> = self.operations.line().cloned().collect();
        for entry in line {
            if self.operations.running_downloads(self.now) >= self.config.parallel_downloads {
                return;
            }
            let lack = match &entry.why {
                Why::Turn => Box::default(),
                Why::NoSource(lack) => lack.clone(),
                Why::Paused | Why::Failed => continue,
            };
            if let Some(retry_at) = lack.retry_at.filter(|at| *at > self.now) {
                self.operations.retry_at(retry_at);
                continue;
            }
            // What is on disk decides how it goes on; until that is known it waits.
            if self.is_known(&entry.game) && self.operations.get(&entry.game).is_none() {
                if self.has_source_for(&entry.game, &lack) {
                    self.begin_download(&entry, lack.setbacks);
                } else if entry.why == Why::Turn {
                    self.operations.enqueue(&entry.game, Why::NoSource(lack), entry.purpose);
                }
            }
        }
    }

    pub(super) fn begin_download(&mut self, waiting: &Waiting, setbacks: u32) {
        let (game, purpose) = (&waiting.game, waiting.purpose);
        let is_here = matches!(self.local_state(game), Some(LocalState::Downloaded | LocalState::Installed));
        if is_here && self.library.game(game).is_some_and(|local| local.manifest().is_some()) {
            self.operations.dequeue(game);
            if purpose == Purpose::Install && !self.is_install_current(game) {
                self.hand_over_to_install(game);
            }
            return;
        }
        let Some(manifest) = self.choose_manifest(game) else { return };
        let has_payload = self.library.game(game).is_some_and(|local| local.scan.version.is_some());
        let mode = if has_payload { StoreMode::Update } else { StoreMode::Fresh };
        let version = self.authority.expected(game).cloned();
        let stage = Stage::LoadingManifest(manifest);
        let held = waiting.held.clone();
        let download = Download { version, mode, purpose, stage, since: Some(self.now), setbacks, held };
        let op = self.begin(game, Work::Download(Box::new(download)));
        self.push(Effect::LoadManifest { op, manifest });
    }
}
