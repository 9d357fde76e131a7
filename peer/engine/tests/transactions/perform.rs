//! Carries steps out on the model as the program does on a disk: the same changes and flushes in the same order.

use lanspread_engine::transaction::{Intent, Outcome, Seen, Slot, Step, Transaction};
use lanspread_protocol::Blake3Hash;

use super::disk::{Disk, Stop, Tree};

pub(crate) const LOCAL: &str = "local";
pub(crate) const INSTALLING: &str = ".local.installing";
pub(crate) const BACKUP: &str = ".local.backup";
pub(crate) const MARKER: &str = ".lanspread_owned";
pub(crate) const INTENT: &str = ".lanspread.json";
pub(crate) const PLAN: &str = ".lanspread/plan";
pub(crate) const RECORD: &str = ".lanspread/installed";
pub(crate) const KEPT: &str = ".lanspread/kept";
const SENTINEL: &str = "version.ini";

/// What the plan of a transaction says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Files of the new `local`, or of the new payload under `.lanspread/new/`.
    pub(crate) files: Vec<(&'static str, &'static str)>,
    /// Where else files of the new `local` come from: a person's.
    pub(crate) copies: Vec<(&'static str, &'static str)>,
    /// Files of the backup, or of the payload, that go.
    pub(crate) drop: Vec<&'static str>,
    /// Files under `.lanspread/kept/` that came back.
    pub(crate) restored: Vec<&'static str>,
    /// The name under `.lanspread/kept/` of what is left of the backup.
    pub(crate) kept: &'static str,
    pub(crate) sentinel: &'static str,
}

pub(crate) fn id(number: u8) -> Blake3Hash {
    Blake3Hash([number; 32])
}

pub(crate) fn look(tree: &Tree) -> Seen {
    let slot = |path: &str| {
        let marker = tree.text(&format!("{path}/{MARKER}"));
        match marker {
            Some(text) => Slot::Ours(text.parse().ok()),
            None if tree.has(path) => Slot::Foreign,
            None => Slot::Absent,
        }
    };
    Seen { local: slot(LOCAL), installing: slot(INSTALLING), backup: slot(BACKUP), plan: tree.has(PLAN) }
}

/// Any text that differs with the intent.
pub(crate) fn encode(intent: Intent) -> String {
    format!("{intent:?}")
}

/// The intent on disk, which is one of those that the test knows.
fn read_intent(tree: &Tree, known: &[Intent]) -> Option<Intent> {
    let text = tree.text(INTENT)?;
    let found = known.iter().find(|intent| encode(**intent) == text);
    Some(*found.unwrap_or_else(|| panic!("the intent is torn: {text}")))
}

/// Runs a transaction to its end, or to the power cut.
pub(crate) fn drive(disk: &mut Disk, transaction: &mut Transaction, plan: &Plan) -> Result<Outcome, Stop> {
    while let Some(step) = transaction.next() {
        match perform(disk, step, plan) {
            Ok(()) => transaction.done(Ok(())),
            Err(Stop::Refused) => transaction.done(Err(look(disk.tree()))),
            Err(Stop::Crash) => return Err(Stop::Crash),
        }
    }
    Ok(transaction.outcome().unwrap())
}

/// What the program does at start; `None` if nothing was to be done.
pub(crate) fn recover(disk: &mut Disk, known: &[Intent], plan: &Plan) -> Result<Option<Outcome>, Stop> {
    let intent = read_intent(disk.tree(), known);
    let Some(mut transaction) = Transaction::recover(intent, look(disk.tree())) else { return Ok(None) };
    drive(disk, &mut transaction, plan).map(Some)
}

fn write_durably(disk: &mut Disk, path: &str, text: &str) -> Result<(), Stop> {
    let temporary = format!("{path}.tmp");
    disk.folders_of(path)?;
    disk.write(&temporary, text)?;
    disk.flush_file(&temporary)?;
    disk.rename(&temporary, path)?;
    disk.flush_folder(path.rsplit_once('/').map_or("", |(folder, _)| folder))
}

fn rename_durably(disk: &mut Disk, from: &str, to: &str) -> Result<(), Stop> {
    disk.rename(from, to)?;
    disk.flush_folder(to.rsplit_once('/').map_or("", |(folder, _)| folder))
}

fn perform(disk: &mut Disk, step: Step, plan: &Plan) -> Result<(), Stop> {
    match step {
        Step::WritePlan => {
            disk.flush_all()?;
            write_durably(disk, PLAN, "plan")
        }
        Step::WriteIntent(intent) => write_durably(disk, INTENT, &encode(intent)),
        Step::ClearIntent => {
            disk.remove(INTENT)?;
            disk.flush_folder("")
        }
        Step::RemovePlan => {
            disk.remove(PLAN)?;
            disk.remove(".lanspread")
        }
        Step::ClearTheWay => [INSTALLING, BACKUP].into_iter().try_for_each(|path| {
            let is_foreign = disk.tree().has(path) && !disk.tree().has(&format!("{path}/{MARKER}"));
            disk.remove(path)?;
            if is_foreign && disk.tree().has(path) { keep(disk, path, "in the way") } else { Ok(()) }
        }),
        Step::MakeInstalling(id) => {
            let marker = format!("{INSTALLING}/{MARKER}");
            disk.folder(INSTALLING)?;
            disk.write(&marker, &id.to_string())?;
            disk.flush_file(&marker)?;
            disk.flush_folder(INSTALLING)?;
            disk.flush_folder("")
        }
        Step::Fill => fill(disk, plan),
        Step::LocalToBackup => rename_durably(disk, LOCAL, BACKUP),
        Step::InstallingToLocal => rename_durably(disk, INSTALLING, LOCAL),
        Step::BackupToLocal => rename_durably(disk, BACKUP, LOCAL),
        Step::RemoveInstalling => {
            remove_owned(disk, INSTALLING)?;
            disk.flush_folder("")
        }
        Step::WriteRecord => write_durably(disk, RECORD, "new"),
        Step::RemoveRecord => disk.remove(RECORD),
        Step::SettleBackup { adopted } => settle_backup(disk, plan, adopted),
        Step::SettleRestored => {
            plan.restored.iter().try_for_each(|path| disk.remove(&format!("{KEPT}/{path}")))?;
            remove_empty_folders(disk, KEPT)
        }
        Step::SentinelOff => {
            disk.remove(SENTINEL)?;
            disk.flush_folder("")
        }
        Step::RemoveOld | Step::RemoveFiles => plan.drop.iter().try_for_each(|path| disk.remove(path)),
        Step::MoveNew => plan.files.iter().try_for_each(|(path, _)| {
            let new = format!(".lanspread/new/{path}");
            if disk.tree().has(&new) { disk.rename(&new, path) } else { Ok(()) }
        }),
        Step::FinishPayload | Step::CommitCatalog | Step::RemoveFolder => Ok(()),
        Step::FlushPayload => {
            disk.flush_all()?;
            write_durably(disk, ".lanspread/manifest", "new")
        }
        Step::SentinelOn => write_durably(disk, SENTINEL, plan.sentinel),
        Step::RemoveParts => remove_all(disk, ".lanspread/new"),
    }
}

fn fill(disk: &mut Disk, plan: &Plan) -> Result<(), Stop> {
    for (path, text) in &plan.files {
        let path = format!("{INSTALLING}/{path}");
        disk.folders_of(&path)?;
        disk.write(&path, text)?;
    }
    for (from, to) in &plan.copies {
        let text = disk.tree().text(from).unwrap_or("lost").to_owned();
        let to = format!("{INSTALLING}/{to}");
        disk.folders_of(&to)?;
        disk.remove(&to)?;
        disk.write(&to, &text)?;
    }
    Ok(())
}

fn settle_backup(disk: &mut Disk, plan: &Plan, adopted: bool) -> Result<(), Stop> {
    let marker = format!("{BACKUP}/{MARKER}");
    // A plan is whole if it is there: it was written before anything relied on it.
    let is_planned = disk.tree().text(PLAN) == Some("plan");
    if disk.tree().has(&marker) {
        if is_planned && !adopted {
            plan.drop.iter().try_for_each(|path| disk.remove(&format!("{BACKUP}/{path}")))?;
        }
        disk.remove(&marker)?;
    }
    remove_empty_folders(disk, BACKUP)?;
    if disk.tree().has(BACKUP) {
        keep(disk, BACKUP, if is_planned { plan.kept } else { "unplanned" })?;
    }
    disk.flush_folder("")
}

fn keep(disk: &mut Disk, path: &str, name: &str) -> Result<(), Stop> {
    // A free name.
    let free = (1..99).map(|nth| format!("{KEPT}/{name}-{nth}")).find(|name| !disk.tree().has(name)).unwrap();
    disk.folders_of(&free)?;
    disk.flush_folder(".lanspread")?;
    rename_durably(disk, path, &free)?;
    disk.flush_folder("")
}

fn remove_owned(disk: &mut Disk, path: &str) -> Result<(), Stop> {
    if disk.tree().has(&format!("{path}/{MARKER}")) {
        for inside in disk.tree().below(path).into_keys().rev().filter(|inside| inside != MARKER) {
            disk.remove(&format!("{path}/{inside}"))?;
        }
        for folder in inner_folders(disk.tree(), path) {
            disk.remove(&folder)?;
        }
        disk.remove(&format!("{path}/{MARKER}"))?;
    }
    disk.remove(path)
}

fn remove_all(disk: &mut Disk, path: &str) -> Result<(), Stop> {
    for inside in disk.tree().below(path).into_keys() {
        disk.remove(&format!("{path}/{inside}"))?;
    }
    remove_empty_folders(disk, path)
}

fn remove_empty_folders(disk: &mut Disk, path: &str) -> Result<(), Stop> {
    for folder in inner_folders(disk.tree(), path) {
        disk.remove(&folder)?;
    }
    disk.remove(path)
}

/// Innermost first.
fn inner_folders(tree: &Tree, path: &str) -> Vec<String> {
    let mut folders = tree.folders_below(path);
    folders.reverse();
    folders
}
