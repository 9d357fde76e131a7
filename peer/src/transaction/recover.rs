//! At start, for every game: what an interruption left is completed or undone.

use lanspread_engine::transaction::{Intent, Transaction};
use lanspread_protocol::Version;

use super::journal::{self, Ended, Journal};
use super::kept::Kept;
use super::plan::Plan;
use super::{Before, nothing_to_fill};
use crate::disk::{Cancel, DiskError, GameFolder, GamesFolder, atomic, list_games};

/// What [`recover`] found to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// Nothing was interrupted.
    Nothing,
    /// The old state is back.
    RolledBack,
    /// A game is installed now; a person's files may have been kept.
    Installed(Option<Kept>),
    /// A game is uninstalled now.
    Uninstalled(Option<Kept>),
    /// A swap has been completed; the payload is of this version now.
    Swapped(Option<Version>),
    /// A payload is removed now.
    Removed,
}

/// Completes or undoes a transaction that was interrupted, and removes a sentinel that was never committed. Parts and
/// new files stay for a resume. Doing it twice equals once.
pub fn recover(folder: &GameFolder) -> Result<Recovered, DiskError> {
    recover_by(folder, &mut || Ok(()))
}

pub(crate) fn recover_by(folder: &GameFolder, before: &mut Before<'_>) -> Result<Recovered, DiskError> {
    atomic::remove_if_there(&folder.sentinel_tmp())?;
    let intent = journal::read_intent(folder)?;
    let Some(transaction) = Transaction::recover(intent, journal::look(folder)) else {
        return Ok(Recovered::Nothing);
    };
    let plan = match intent {
        Some(intent) => Plan::read(folder, intent)?,
        None => None,
    };
    if plan.is_none() && matches!(intent, Some(Intent::Swap { .. } | Intent::Remove { .. })) {
        return Err(DiskError::Plan { path: folder.plan() });
    }
    let version = match &plan {
        Some(Plan::Swap(plan)) => plan.version(),
        _ => None,
    };
    let cancel = Cancel::new();
    let mut journal = Journal::new(folder, plan, &cancel, before);
    let ended = journal.drive(transaction, &mut nothing_to_fill);
    let is_back = matches!(ended, Ended::RolledBack(_));
    ended.result()?;
    Ok(match intent {
        _ if is_back => Recovered::RolledBack,
        Some(Intent::Install { .. }) => Recovered::Installed(journal.kept()),
        Some(Intent::Uninstall { .. }) => Recovered::Uninstalled(journal.kept()),
        Some(Intent::Swap { .. }) => Recovered::Swapped(version),
        Some(Intent::Remove { .. }) => Recovered::Removed,
        None => Recovered::RolledBack,
    })
}

/// [`recover`] for every game. One game that cannot be recovered is logged and does not hold up the others.
pub fn recover_all(games: &GamesFolder) -> Result<(), DiskError> {
    for game in list_games(games)? {
        match recover(&games.game(&game)) {
            Ok(Recovered::Nothing) => {}
            Ok(recovered) => tracing::info!(%game, ?recovered, "an interrupted transaction was recovered"),
            Err(error) => tracing::error!(%game, %error, "an interrupted transaction could not be recovered"),
        }
    }
    Ok(())
}
