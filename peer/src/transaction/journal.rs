//! Drives a [`Transaction`]: carries out its steps on disk and tells it how they ended.

use std::fs;
use std::io;
use std::path::Path;

use lanspread_engine::transaction::{Intent, Outcome, Seen, Slot, Step, Transaction};
use lanspread_protocol::Blake3Hash;

use super::kept::{self, Kept};
use super::plan::Plan;
use super::swap::SwapPlan;
use super::{Before, parts, remove, sentinel};
use crate::disk::error::Tried as _;
use crate::disk::installed::{MARKER, is_marked, marked_by};
use crate::disk::{Cancel, DiskError, GameFolder, atomic};

/// One transaction's work on one game's folder.
pub(crate) struct Journal<'a> {
    folder: &'a GameFolder,
    /// Known when the transaction begins, or once an install has filled its folder.
    plan: Option<Plan>,
    cancel: &'a Cancel,
    before: &'a mut Before<'a>,
    /// Where a person's files went.
    kept: Option<String>,
}

/// How a transaction ended.
#[derive(Debug)]
pub(crate) enum Ended<E> {
    Committed,
    /// Everything is as it was before; without an error that is what a recovery was to do.
    RolledBack(Option<E>),
    /// The intent is there for a recovery.
    Unfinished(E),
}

impl<E> Ended<E> {
    pub(crate) fn result(self) -> Result<(), E> {
        match self {
            Self::Committed | Self::RolledBack(None) => Ok(()),
            Self::RolledBack(Some(error)) | Self::Unfinished(error) => Err(error),
        }
    }
}

impl<'a> Journal<'a> {
    pub(crate) fn new(
        folder: &'a GameFolder,
        plan: Option<Plan>,
        cancel: &'a Cancel,
        before: &'a mut Before<'_>,
    ) -> Self {
        Self { folder, plan, cancel, before, kept: None }
    }

    /// A person's files that were moved to `.lanspread/kept/`.
    pub(crate) fn kept(&self) -> Option<Kept> {
        self.kept.as_deref().and_then(|name| Kept::list(self.folder, name))
    }

    /// To the end. `fill` carries out [`Step::Fill`] and makes the plan of it.
    pub(crate) fn drive<E: From<DiskError> + std::fmt::Display>(
        &mut self,
        mut transaction: Transaction,
        fill: &mut dyn FnMut(&mut Before<'_>) -> Result<Plan, E>,
    ) -> Ended<E> {
        let mut first_error: Option<E> = None;
        while let Some(step) = transaction.next() {
            let done = if step == Step::Fill {
                fill(self.before).map(|plan| self.plan = Some(plan))
            } else {
                self.step(step).map_err(E::from)
            };
            let result = done.map_err(|error| {
                match &first_error {
                    Some(_) => tracing::error!(?step, %error, "a transaction could not be undone"),
                    None => first_error = Some(error),
                }
                look(self.folder)
            });
            transaction.done(result);
        }
        match (first_error, transaction.outcome()) {
            (error, Some(Outcome::RolledBack)) => Ended::RolledBack(error),
            (None, _) => Ended::Committed,
            (Some(error), _) => Ended::Unfinished(error),
        }
    }

    fn step(&mut self, step: Step) -> Result<(), DiskError> {
        let folder = self.folder;
        // Those with many changes ask before each. After the intent nothing counts any more.
        let asks_itself = matches!(step, Step::RemoveOld | Step::MoveNew | Step::RemoveFiles);
        if !asks_itself && !matches!(step, Step::RemovePlan | Step::RemoveFolder) {
            (self.before)()?;
        }
        match step {
            Step::WritePlan => self.write_plan(),
            Step::WriteIntent(intent) => {
                self.cancel.check()?;
                write_intent(folder, intent)
            }
            Step::ClearIntent => {
                atomic::remove_if_there(&folder.intent())?;
                sync_root(folder)
            }
            Step::RemovePlan => {
                // Everything is done; a plan that no intent names is removed by the next recovery.
                if let Err(error) = (self.before)().and_then(|()| atomic::remove_if_there(&folder.plan())) {
                    tracing::warn!(%error, "a plan is left");
                }
                kept::remove_if_empty(&folder.state());
                Ok(())
            }
            Step::ClearTheWay => clear_the_way(folder),
            Step::MakeInstalling(id) => make_installing(folder, id),
            Step::Fill => Ok(()),
            Step::LocalToBackup => {
                self.cancel.check()?;
                rename_folder(&folder.local(), &folder.local_backup())
            }
            Step::InstallingToLocal => rename_folder(&folder.local_installing(), &folder.local()),
            Step::BackupToLocal => rename_folder(&folder.local_backup(), &folder.local()),
            Step::RemoveInstalling => {
                kept::remove_owned(&folder.local_installing(), self.before)?;
                sync_root(folder)
            }
            Step::WriteRecord => match &self.plan {
                Some(Plan::Install(plan)) => plan.record.write(folder),
                // Everything in `local/` counts as the person's then.
                _ => atomic::remove_if_there(&folder.installed()).map(drop),
            },
            Step::RemoveRecord => atomic::remove_if_there(&folder.installed()).map(drop),
            Step::SettleBackup { adopted } => self.settle_backup(adopted),
            Step::SettleRestored => match &self.plan {
                Some(Plan::Install(plan)) => match &plan.restored {
                    Some(restored) => restored.settle(folder, self.before),
                    None => Ok(()),
                },
                _ => Ok(()),
            },
            Step::SentinelOff => sentinel::take_off(folder),
            Step::RemoveParts => parts::remove_parts(folder),
            Step::RemoveFiles => self.remove_files(),
            Step::RemoveFolder => {
                remove::remove_folder(folder);
                Ok(())
            }
            Step::RemoveOld => swap_plan(self.plan.as_ref(), folder)?.remove_old(folder, self.before),
            Step::MoveNew => swap_plan(self.plan.as_ref(), folder)?.move_new(folder, self.before),
            Step::FinishPayload => swap_plan(self.plan.as_ref(), folder)?.finish_payload(folder),
            Step::FlushPayload => swap_plan(self.plan.as_ref(), folder)?.flush_payload(folder),
            Step::SentinelOn => swap_plan(self.plan.as_ref(), folder)?.sentinel_on(folder),
            Step::CommitCatalog => {
                swap_plan(self.plan.as_ref(), folder)?.commit_catalog();
                Ok(())
            }
        }
    }

    fn write_plan(&self) -> Result<(), DiskError> {
        let Some(plan) = &self.plan else { return Err(DiskError::Plan { path: self.folder.plan() }) };
        match plan {
            Plan::Install(_) => {
                self.cancel.check()?;
                kept::flush_all(&self.folder.local_installing())?;
            }
            Plan::Swap(plan) => plan.flush_new(self.folder)?,
            Plan::Uninstall(_) | Plan::Remove(_) => {}
        }
        plan.write(self.folder)
    }

    fn settle_backup(&mut self, adopted: bool) -> Result<(), DiskError> {
        let settlement = match &self.plan {
            Some(Plan::Install(plan)) => Some(&plan.backup),
            Some(Plan::Uninstall(plan)) => Some(&plan.backup),
            Some(Plan::Swap(_) | Plan::Remove(_)) | None => None,
        };
        let drop = settlement.filter(|_| !adopted).map(|settlement| &settlement.drop);
        let name =
            settlement.map_or_else(|| kept::free_name(self.folder, ""), |settlement| settlement.kept.clone());
        kept::settle(self.folder, drop, &name, self.before)?;
        self.kept = Some(name);
        Ok(())
    }

    fn remove_files(&mut self) -> Result<(), DiskError> {
        let Some(Plan::Remove(plan)) = &self.plan else {
            return Err(DiskError::Plan { path: self.folder.plan() });
        };
        plan.remove_files(self.folder, self.before)
    }
}

fn swap_plan<'p>(plan: Option<&'p Plan>, folder: &GameFolder) -> Result<&'p SwapPlan, DiskError> {
    match plan {
        Some(Plan::Swap(plan)) => Ok(plan),
        _ => Err(DiskError::Plan { path: folder.plan() }),
    }
}

/// What is on disk. What cannot be looked at counts as foreign: nothing is done to it.
pub(crate) fn look(folder: &GameFolder) -> Seen {
    let slot = |path: &Path| match fs::symlink_metadata(path) {
        Err(error) if atomic::is_absent(&error) => Slot::Absent,
        Ok(_) if is_marked(path) => Slot::Ours(marked_by(path)),
        Ok(_) | Err(_) => Slot::Foreign,
    };
    Seen {
        local: slot(&folder.local()),
        installing: slot(&folder.local_installing()),
        backup: slot(&folder.local_backup()),
        plan: fs::symlink_metadata(folder.plan()).is_ok(),
    }
}

/// Whether `local/` is what this install made.
pub(crate) fn is_installed(folder: &GameFolder, id: Blake3Hash) -> bool {
    look(folder).local == Slot::Ours(Some(id))
}

fn write_intent(folder: &GameFolder, intent: Intent) -> Result<(), DiskError> {
    let bytes = serde_json::to_vec(&intent).map_err(io::Error::other).tried("write", &folder.intent())?;
    atomic::write(&folder.intent(), &bytes)
}

/// `None` without an intent; [`DiskError::Unfinished`] for one that this program does not understand.
pub(crate) fn read_intent(folder: &GameFolder) -> Result<Option<Intent>, DiskError> {
    let path = folder.intent();
    match fs::read(&path) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(intent) => Ok(Some(intent)),
            Err(_) => Err(DiskError::Unfinished { path }),
        },
        Err(error) if atomic::is_absent(&error) => Ok(None),
        Err(error) => Err(error).tried("read", &path),
    }
}

fn sync_root(folder: &GameFolder) -> Result<(), DiskError> {
    if folder.root().is_dir() { atomic::sync_folder(folder.root()) } else { Ok(()) }
}

/// Windows does not rename a folder in which a file is open, and says that access is denied.
fn rename_folder(from: &Path, to: &Path) -> Result<(), DiskError> {
    const ACCESS_DENIED: i32 = 5;
    const SHARING_VIOLATION: i32 = 32;
    atomic::rename(from, to).map_err(|error| {
        let code = if let DiskError::Io { cause, .. } = &error { cause.raw_os_error() } else { None };
        let is_in_use = cfg!(windows) && matches!(code, Some(ACCESS_DENIED | SHARING_VIOLATION));
        if is_in_use { DiskError::InUse { path: from.to_owned() } } else { error }
    })
}

fn make_installing(folder: &GameFolder, id: Blake3Hash) -> Result<(), DiskError> {
    let path = folder.local_installing();
    fs::create_dir(&path).tried("create the folder", &path)?;
    atomic::write_new(&path.join(MARKER), id.to_string().as_bytes())?;
    atomic::sync_folder(&path)?;
    sync_root(folder)
}

/// Moves what is not ours to `.lanspread/kept/`.
fn clear_the_way(folder: &GameFolder) -> Result<(), DiskError> {
    for path in [folder.local_installing(), folder.local_backup()] {
        if fs::symlink_metadata(&path).is_ok() && !is_marked(&path) {
            // An empty one is what a crash left between making and marking it.
            if fs::remove_dir(&path).is_err() {
                kept::keep(folder, &path, &kept::free_name(folder, ""))?;
            }
        }
    }
    Ok(())
}
