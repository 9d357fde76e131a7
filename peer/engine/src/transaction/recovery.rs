//! What is left to do, from the intent and from what is on disk alone.

use super::{Intent, Seen, Slot, Step};

/// Whether the new state is the one to go on to. For an intent that is durable.
pub(super) fn is_committed(intent: Intent, seen: Seen) -> bool {
    match intent {
        Intent::Install { id, .. } => seen.local == Slot::Ours(Some(id)),
        // Nothing stood at the backup's place when the intent was written.
        Intent::Uninstall { .. } => seen.local == Slot::Absent || seen.backup != Slot::Absent,
        Intent::Swap { .. } | Intent::Remove { .. } => true,
    }
}

/// All steps that follow the commit point.
pub(super) fn after_commit(intent: Intent) -> Vec<Step> {
    let mut steps = match intent {
        Intent::Install { adopted, .. } => {
            vec![Step::WriteRecord, Step::SettleBackup { adopted }, Step::SettleRestored]
        }
        Intent::Uninstall { adopted, .. } => vec![Step::SettleBackup { adopted }, Step::RemoveRecord],
        Intent::Swap { .. } => vec![
            Step::SentinelOff,
            // Before new files come: on filesystems that ignore case, `Data` may go where `data` comes.
            Step::RemoveOld,
            Step::MoveNew,
            Step::FinishPayload,
            Step::FlushPayload,
            Step::SentinelOn,
            Step::CommitCatalog,
            Step::RemoveParts,
        ],
        Intent::Remove { .. } => vec![Step::SentinelOff, Step::RemoveFiles, Step::RemoveParts],
    };
    steps.extend([Step::ClearIntent, Step::RemovePlan]);
    if let Intent::Remove { .. } = intent {
        steps.push(Step::RemoveFolder);
    }
    steps
}

/// Undoes what was done before the commit point.
pub(super) fn back(intent: Intent, seen: Seen) -> Vec<Step> {
    let mut steps = Vec::new();
    if matches!(intent, Intent::Install { .. } | Intent::Uninstall { .. }) {
        // What stands at the backup's place was `local`, for nothing stood there before.
        match (seen.local, seen.backup) {
            (_, Slot::Absent) => {}
            (Slot::Absent, _) => steps.push(Step::BackupToLocal),
            // Somebody made another `local` meanwhile.
            (_, _) => steps.push(Step::SettleBackup { adopted: true }),
        }
        if seen.installing != Slot::Absent {
            steps.push(Step::RemoveInstalling);
        }
    }
    steps.extend(not_begun());
    steps
}

/// Leaves nothing behind of a transaction whose intent may not even be there.
pub(super) fn not_begun() -> Vec<Step> {
    vec![Step::ClearIntent, Step::RemovePlan]
}

/// All that is left of what goes on after its commit point.
pub(super) fn forward(intent: Intent, seen: Seen) -> Vec<Step> {
    let mut steps = match intent {
        // Their backup is settled anyway.
        Intent::Install { .. } | Intent::Uninstall { .. } => strays(Seen { backup: Slot::Absent, ..seen }),
        Intent::Swap { .. } | Intent::Remove { .. } => strays(seen),
    };
    steps.extend(after_commit(intent));
    steps
}

/// What is left when no intent tells of anything.
pub(super) fn leftovers(seen: Seen) -> Vec<Step> {
    let mut steps = strays(seen);
    if seen.plan {
        steps.push(Step::RemovePlan);
    }
    steps
}

/// Puts marked folders in order that no intent tells of. They should not be there; nothing of a person's may be lost.
fn strays(seen: Seen) -> Vec<Step> {
    let mut steps = Vec::new();
    if matches!(seen.backup, Slot::Ours(_)) {
        let has_local = seen.local != Slot::Absent;
        steps.push(if has_local { Step::SettleBackup { adopted: true } } else { Step::BackupToLocal });
    }
    if matches!(seen.installing, Slot::Ours(_)) {
        steps.push(Step::RemoveInstalling);
    }
    steps
}
