//! Installing and uninstalling: what goes into `local/`, and what of the old one lives on. How that is done so that no
//! crash, error or cancel leaves it half done is [`crate::transaction`]'s.
//!
//! # What is a person's
//! The record of installed files ([`crate::disk::installed`]) says what is the game's. Everything else in `local/` is
//! the person's, and so are files of the record that were changed, what keep rules name, and all of a `local/` that
//! Lanspread did not make. It is copied into the next `local/` or moved to `.lanspread/kept/<time>/`, and only deleted
//! on uninstall when the person ticks it. A backup is never deleted as a whole: what the plan does not name is kept.

mod content;
mod error;
mod person;
#[cfg(test)]
mod tests;

use lanspread_engine::transaction::{Slot, Transaction};
use lanspread_protocol::{Game, GameId, Manifest};

pub use self::error::InstallError;
pub use self::person::{LocalSize, measure};
pub use crate::disk::installed::{Record, read_record};

use self::content::Content;
use self::person::KeepRules;
use crate::disk::{Cancel, GameFolder, Progress, space};
use crate::transaction::journal::{self, Ended, Journal};
use crate::transaction::plan::{InstallPlan, Plan, UninstallPlan};
use crate::transaction::{Before, Kept, kept, nothing_to_fill, random_id, recover};

/// What is to be installed.
#[derive(Clone, Copy, Debug)]
pub struct InstallRequest<'a> {
    pub game: &'a GameId,
    pub folder: &'a GameFolder,
    /// Of the payload that is there, if known: else the folder's files are the payload.
    pub manifest: Option<&'a Manifest>,
    /// The catalog's entry: recipe, keep rules, and programs to be made executable.
    pub entry: Option<&'a Game>,
    pub restore: Restore,
}

/// Whether files that the last uninstall kept come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restore {
    #[default]
    Yes,
    No,
}

/// What an uninstall does with a person's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Saves {
    #[default]
    Keep,
    /// Deletes them. A `local/` that Lanspread did not make is kept nevertheless.
    Delete,
}

/// What an install did beside installing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// A person's files that did not live on in `local/`.
    pub kept: Option<Kept>,
}

/// Makes `local/` of the payload, in place of the one that may be there. Cancelled or failed, `local/` is as before.
pub fn install(
    request: &InstallRequest<'_>,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Installed, InstallError> {
    install_by(request, cancel, progress, &mut || Ok(()))
}

/// Takes `local/` away. `keep` are the game's keep rules: globs relative to `local/`.
pub fn uninstall(
    folder: &GameFolder,
    keep: &[String],
    saves: Saves,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Option<Kept>, InstallError> {
    uninstall_by(folder, keep, saves, (cancel, progress), &mut || Ok(()))
}

fn install_by(
    request: &InstallRequest<'_>,
    cancel: &Cancel,
    progress: &Progress,
    before: &mut Before<'_>,
) -> Result<Installed, InstallError> {
    let folder = request.folder;
    cancel.check()?;
    recover(folder)?;
    let content = Content::of(request, cancel)?;
    let keep = KeepRules::new(request.entry.map(|entry| entry.keep.as_slice()).unwrap_or_default());
    let seen = journal::look(folder);
    let sources = person::Sources::survey(folder, seen, request.restore, &keep)?;
    let needed = content.bytes() + sources.bytes_to_copy();
    if let Err(error) = space::check(folder.root(), needed)
        && !content.can_be_cloned(folder)
    {
        return Err(error.into());
    }
    progress.expect_more(needed);
    let id = random_id();
    let mut journal = Journal::new(folder, None, cancel, before);
    let mut fill = |before: &mut Before<'_>| -> Result<Plan, InstallError> {
        let written = content.write(cancel, progress, before)?;
        let person = sources.copy(cancel, progress, before)?;
        let record = content.record(written, &person.taken)?;
        let backup = kept::Settlement { drop: person.drop, kept: kept::free_name(folder, "") };
        Ok(Plan::Install(InstallPlan { id, record, backup, restored: person.restored }))
    };
    let ended = journal.drive(Transaction::install(seen, id), &mut fill);
    let is_installed = matches!(ended, Ended::Unfinished(_)) && journal::is_installed(folder, id);
    match ended.result() {
        Ok(()) => Ok(Installed { kept: journal.kept() }),
        Err(cause) if is_installed => Err(InstallError::Unfinished { cause: Box::new(cause) }),
        Err(error) => Err(error),
    }
}

fn uninstall_by(
    folder: &GameFolder,
    keep: &[String],
    saves: Saves,
    (cancel, progress): (&Cancel, &Progress),
    before: &mut Before<'_>,
) -> Result<Option<Kept>, InstallError> {
    cancel.check()?;
    recover(folder)?;
    let seen = journal::look(folder);
    let is_ours = match seen.local {
        Slot::Absent => return Err(InstallError::NotInstalled { folder: folder.root().to_owned() }),
        Slot::Ours(_) => true,
        Slot::Foreign => false,
    };
    let drop = match saves {
        Saves::Delete if is_ours => kept::Goes::All,
        Saves::Keep if is_ours => {
            kept::Goes::Files(person::unchanged_files(folder, &KeepRules::new(keep), cancel, progress)?)
        }
        Saves::Keep | Saves::Delete => kept::Goes::Files(Vec::new()),
    };
    let suffix = if is_ours { kept::UNINSTALLED } else { kept::ADOPTED };
    let plan = Plan::Uninstall(UninstallPlan {
        backup: kept::Settlement { drop, kept: kept::free_name(folder, suffix) },
        nonce: random_id(),
    });
    let transaction = Transaction::uninstall(seen, plan.hash()?);
    let mut journal = Journal::new(folder, Some(plan), cancel, before);
    journal.drive(transaction, &mut nothing_to_fill).result().map(|()| journal.kept())
}
