//! Transactions: what changes `local/` or swaps a payload so that no crash leaves it in between.
//!
//! # Contract
//! A [`Transaction`] gives one [`Step`] at a time ([`Transaction::next`]); the caller carries it out, durably where the
//! step says so, and tells how that ended ([`Transaction::done`]). After the last step [`Transaction::outcome`] says
//! what became of it. Every step can be carried out again without harm, wholly or partly done before.
//!
//! A step that fails is told with what is on disk *now* ([`Seen`]): before the commit point the transaction turns back
//! and its next steps undo it; after it nothing more is done, and [`Transaction::recover`] goes on later. Recovery
//! looks at the intent *and* at the disk, so that it is right whatever a crash left; doing it twice equals once.
//!
//! # Commit points
//! - install: `.local.installing` has become `local`, known by the id in its marker;
//! - uninstall: `local` has become `.local.backup`;
//! - swap and remove: the intent is durable.
//!
//! # What is deliberately absent
//! No path, no file, no clock: folders are named by their roles. No step deletes a backup as a whole: what the plan
//! does not name as this program's is the person's, and is moved to `.lanspread/kept/`.

mod recovery;

use std::collections::VecDeque;

use lanspread_protocol::Blake3Hash;
use serde::{Deserialize, Serialize};

/// The contents of `.lanspread.json` while a transaction runs: written whole and durable, removed when nothing is left
/// to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// Fills `.local.installing`, whose marker says `id`, and makes it `local`. An `adopted` old `local` is a folder
    /// that Lanspread did not make: all of it is the person's.
    Install { id: Blake3Hash, adopted: bool },
    /// Takes `local` away as the plan of this hash says.
    Uninstall { plan: Blake3Hash, adopted: bool },
    /// Puts a new payload in the old one's place as the plan of this hash says.
    Swap { plan: Blake3Hash },
    /// Takes a payload away as the plan of this hash says.
    Remove { plan: Blake3Hash },
}

/// What stands at one of the places that a transaction moves folders between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slot {
    #[default]
    Absent,
    /// A folder with Lanspread's marker, and the id of the install that made it, if the marker still says it.
    Ours(Option<Blake3Hash>),
    /// Anything else: it is never deleted.
    Foreign,
}

/// What is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub local: Slot,
    /// `.local.installing`
    pub installing: Slot,
    /// `.local.backup`
    pub backup: Slot,
    /// Whether the file is there that says what a transaction is to do.
    pub plan: bool,
}

/// Work on disk. Steps that move a folder are durable when they end; all before them are, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Makes everything durable that the plan relies on, then writes the plan, durably.
    WritePlan,
    /// Writes the intent, durably.
    WriteIntent(Intent),
    /// Removes the intent, durably.
    ClearIntent,
    RemovePlan,

    /// Moves what is not ours at `.local.installing` and `.local.backup` to `.lanspread/kept/`.
    ClearTheWay,
    /// Makes `.local.installing` with a marker that says the id, durably.
    MakeInstalling(Blake3Hash),
    /// Fills it: the game's files, the person's that live on, those of an earlier uninstall.
    Fill,
    LocalToBackup,
    InstallingToLocal,
    /// Writes the record of installed files, durably.
    WriteRecord,
    /// Removes from the backup what the plan names and is as it was; the rest goes to `.lanspread/kept/`. Of an
    /// adopted one nothing is removed.
    SettleBackup {
        adopted: bool,
    },
    /// Removes from `.lanspread/kept/` what came back into `local`.
    SettleRestored,

    /// The way back.
    BackupToLocal,
    /// Removes `.local.installing` if it is marked or empty.
    RemoveInstalling,

    RemoveRecord,

    /// Takes `version.ini` away, durably: what is here is no game any more.
    SentinelOff,
    /// Removes the files that only the old payload had.
    RemoveOld,
    /// Moves the new files to their places.
    MoveNew,
    /// Makes the payload's empty folders, and its programs executable.
    FinishPayload,
    /// Makes the payload durable, then its manifest.
    FlushPayload,
    /// Puts the new `version.ini` to its place, durably.
    SentinelOn,
    /// Puts a staged catalog into force.
    CommitCatalog,
    /// Removes what a download or an update left under `.lanspread/`.
    RemoveParts,

    /// Removes the payload's files.
    RemoveFiles,
    /// Removes the game's folder if nothing is left in it.
    RemoveFolder,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The new state.
    Committed,
    /// The old state.
    RolledBack,
    /// Steps are left to [`Transaction::recover`].
    Unfinished,
}

/// One transaction on its way. See the module's comment.
#[derive(Clone, Debug)]
pub struct Transaction {
    intent: Option<Intent>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Forward(VecDeque<Step>),
    Back(VecDeque<Step>),
    Ended(Outcome),
}

impl Transaction {
    /// Installs, or installs again over what is there. `id` is any number that no other install has.
    pub fn install(seen: Seen, id: Blake3Hash) -> Self {
        let adopted = seen.local == Slot::Foreign;
        let intent = Intent::Install { id, adopted };
        let mut steps = way(seen);
        steps.extend([Step::WriteIntent(intent), Step::MakeInstalling(id), Step::Fill, Step::WritePlan]);
        if seen.local != Slot::Absent {
            steps.push(Step::LocalToBackup);
        }
        steps.push(Step::InstallingToLocal);
        steps.extend(recovery::after_commit(intent));
        Self::forward(intent, steps)
    }

    /// Takes `local` away. `plan` is the hash of what [`Step::WritePlan`] will write.
    pub fn uninstall(seen: Seen, plan: Blake3Hash) -> Self {
        let intent = Intent::Uninstall { plan, adopted: seen.local == Slot::Foreign };
        let mut steps = way(seen);
        steps.extend([Step::WritePlan, Step::WriteIntent(intent), Step::LocalToBackup]);
        steps.extend(recovery::after_commit(intent));
        Self::forward(intent, steps)
    }

    /// Puts a new payload into the old one's place.
    pub fn swap(plan: Blake3Hash) -> Self {
        Self::planned(Intent::Swap { plan })
    }

    /// Takes a payload away.
    pub fn remove(plan: Blake3Hash) -> Self {
        Self::planned(Intent::Remove { plan })
    }

    /// What an interrupted transaction left to do; `None` if nothing is.
    pub fn recover(intent: Option<Intent>, seen: Seen) -> Option<Self> {
        let state = match intent {
            Some(intent) if recovery::is_committed(intent, seen) => {
                State::Forward(recovery::forward(intent, seen).into())
            }
            Some(intent) => State::Back(recovery::back(intent, seen).into()),
            None => State::Back(recovery::leftovers(seen).into()),
        };
        let is_idle = matches!(&state, State::Back(steps) if steps.is_empty());
        (!is_idle).then_some(Self { intent, state })
    }

    fn planned(intent: Intent) -> Self {
        let mut steps = vec![Step::WritePlan, Step::WriteIntent(intent)];
        steps.extend(recovery::after_commit(intent));
        Self::forward(intent, steps)
    }

    fn forward(intent: Intent, steps: Vec<Step>) -> Self {
        Self { intent: Some(intent), state: State::Forward(steps.into()) }
    }

    /// The step to carry out now; `None` at the end.
    pub fn next(&self) -> Option<Step> {
        match &self.state {
            State::Forward(steps) | State::Back(steps) => steps.front().copied(),
            State::Ended(_) => None,
        }
    }

    /// How the step ended: done, or failed with this on disk now.
    pub fn done(&mut self, result: Result<(), Seen>) {
        let ended = match (&mut self.state, result) {
            (State::Ended(_), _) => return,
            (State::Forward(steps), Ok(())) => {
                steps.pop_front();
                steps.is_empty().then_some(Outcome::Committed)
            }
            (State::Back(steps), Ok(())) => {
                steps.pop_front();
                steps.is_empty().then_some(Outcome::RolledBack)
            }
            (State::Back(_), Err(_)) => Some(Outcome::Unfinished),
            (State::Forward(steps), Err(seen)) => match self.intent {
                // What is on disk tells nothing of a transaction that had not begun.
                Some(_) if steps.iter().any(|step| matches!(step, Step::WriteIntent(_))) => {
                    self.state = State::Back(recovery::not_begun().into());
                    None
                }
                Some(intent) if !recovery::is_committed(intent, seen) => {
                    self.state = State::Back(recovery::back(intent, seen).into());
                    None
                }
                Some(_) | None => Some(Outcome::Unfinished),
            },
        };
        if let Some(outcome) = ended {
            self.state = State::Ended(outcome);
        }
    }

    /// What became of it; `None` while there is a next step.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.state {
            State::Ended(outcome) => Some(outcome),
            State::Forward(_) | State::Back(_) => None,
        }
    }

    /// The intent it was begun or found with.
    pub fn intent(&self) -> Option<Intent> {
        self.intent
    }
}

/// What comes before the intent: nothing foreign stands where the transaction's folders will.
fn way(seen: Seen) -> Vec<Step> {
    let is_blocked = seen.installing == Slot::Foreign || seen.backup == Slot::Foreign;
    if is_blocked { vec![Step::ClearTheWay] } else { Vec::new() }
}
