//! Transactions on disk: changes of a game's folder that no crash, error or cancel leaves half done.
//!
//! The order of the steps, and what an interruption leaves to do, is decided by [`lanspread_engine::transaction`]; here
//! each of its steps is carried out (`journal`) and told back. What a
//! transaction is to do lies in its `plan`, which is durable before the intent that names it. All of it is blocking
//! code for a pool's thread. The caller holds the games folder's lock and runs one transaction per game; nobody reads
//! the payload while it is swapped or removed.
//!
//! Here are the payload's transactions, swap and removal, and [`recover`] for all; [`crate::install`] makes those of
//! `local/`. A download in the making is no transaction, but what it `placed` goes by the same rule as a removal:
//! only what is known to be Lanspread's (`ours`). A swap still goes by the old manifest's list. What is a person's moves to `.lanspread/kept/` (`kept`).

pub(crate) mod journal;
pub(crate) mod kept;
pub(crate) mod ours;
mod parts;
pub(crate) mod payload;
pub(crate) mod placed;
pub(crate) mod plan;
mod recover;
mod remove;
pub(crate) mod sentinel;
pub(crate) mod swap;
#[cfg(test)]
pub(crate) mod testing;

use std::fs;

use lanspread_engine::transaction::Transaction;
use lanspread_protocol::Blake3Hash;

pub use lanspread_engine::Extras;

pub use self::kept::Kept;
pub use self::ours::Known;
pub use self::parts::discard;
pub(crate) use self::parts::remove_parts;
#[cfg(test)]
pub(crate) use self::recover::recover_by;
pub use self::recover::{Recovered, recover, recover_all};

use self::journal::Journal;
use self::plan::Plan;
use self::remove::RemovePlan;
use self::swap::SwapPlan;
use crate::disk::{Cancel, DiskError, GameFolder};

/// Called before each change on disk. An error ends the work there: tests put failures and power cuts in its place.
pub(crate) type Before<'a> = dyn FnMut() -> Result<(), DiskError> + 'a;

/// Takes the payload away: what Lanspread placed and what is `known` to be the game's, and the parts of a download.
/// Cancelled before it began, nothing is changed; begun, it is completed.
///
/// # Errors
/// [`DiskError::NotOurs`] when there are files and none of them is known to be ours.
pub fn remove(folder: &GameFolder, known: &Known, extras: Extras, cancel: &Cancel) -> Result<(), DiskError> {
    remove_by(folder, known, extras, cancel, &mut || Ok(()))
}

/// Puts a new payload into the old one's place. Once it is begun, an error leaves the rest to [`recover`].
pub(crate) fn swap(folder: &GameFolder, plan: SwapPlan) -> Result<(), DiskError> {
    swap_by(folder, plan, &mut || Ok(()))
}

pub(crate) fn remove_by(
    folder: &GameFolder,
    known: &Known,
    extras: Extras,
    cancel: &Cancel,
    before: &mut Before<'_>,
) -> Result<(), DiskError> {
    cancel.check()?;
    recover(folder)?;
    if !folder.root().is_dir() {
        return Ok(());
    }
    let plan = Plan::Remove(RemovePlan::find(folder, known, extras, cancel)?);
    let transaction = Transaction::remove(plan.hash()?);
    Journal::new(folder, Some(plan), cancel, before).drive(transaction, &mut nothing_to_fill).result()
}

pub(crate) fn swap_by(folder: &GameFolder, plan: SwapPlan, before: &mut Before<'_>) -> Result<(), DiskError> {
    if fs::symlink_metadata(folder.intent()).is_ok() {
        return Err(DiskError::Unfinished { path: folder.intent() });
    }
    let plan = Plan::Swap(plan);
    let transaction = Transaction::swap(plan.hash()?);
    let cancel = Cancel::new();
    Journal::new(folder, Some(plan), &cancel, before).drive(transaction, &mut nothing_to_fill).result()
}

/// For transactions whose plan is known before they begin.
pub(crate) fn nothing_to_fill<E: From<DiskError>>(_: &mut Before<'_>) -> Result<Plan, E> {
    Err(E::from(DiskError::Cancelled))
}

pub(crate) fn random_id() -> Blake3Hash {
    Blake3Hash(rand::random())
}
