//! Errands that take time: the system's dialogs, opening folders, looking at files. Each on a thread of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use egui::Context;
use lanspread_engine::GivenCatalog;
use lanspread_peer::disk::{Cancel, GameFolder};
use lanspread_peer::install::LocalSize;
use lanspread_protocol::GameId;

use super::front::Front;
use crate::action::{FileFor, FolderFor};
use crate::model::{CatalogProblem, Fault, FolderReport, KnownParty, Moving, Organiser, SourceReport};
use crate::text::{PublishText, SettingsText};
use moving::Copied;

pub(super) mod moving;
mod organiser;

/// Answers that the window has not taken yet: a person starts a few errands at a time.
const MAX_ANSWERS: usize = 64;
const ARCHIVES: [&str; 10] = ["eti", "rar", "zip", "7z", "tar", "gz", "tgz", "zst", "xz", "txz"];
const PICTURES: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// What came of an errand.
#[derive(Debug)]
pub(super) enum Answer {
    /// `None`: cancelled, or the system has no dialog.
    Folder {
        who: FolderFor,
        folder: Option<PathBuf>,
    },
    Files {
        who: FileFor,
        files: Vec<PathBuf>,
    },
    FolderChecked(FolderReport),
    Measured(GameId, LocalSize),
    SourceLookedAt(SourceReport),
    /// The firewall's rules were changed, or why not.
    FirewallChanged(Result<(), String>),
    /// A folder or file that could not be shown.
    NotOpened(String),
    /// A catalog file was read: why it cannot be used.
    CatalogRead {
        path: PathBuf,
        problem: Option<CatalogProblem>,
    },
    /// The catalog that came with the program, before the first start.
    PartyRead(KnownParty),
    Moving(Moving),
    /// The games are in both folders.
    Copied(Result<Copied, Fault>),
    /// What is not used of the two copies is gone.
    CleanedUp,
    /// A key that was there at the start; there is none if nothing comes.
    OrganiserFound(Organiser),
    /// A key that a person made or chose.
    OrganiserLoaded(Result<LoadedOrganiser, Fault>),
}

/// An organiser whose key a person made or chose.
#[derive(Debug)]
pub(super) struct LoadedOrganiser {
    pub(super) organiser: Organiser,
    /// The catalog lies there already.
    pub(super) has_catalog: bool,
}

impl From<Organiser> for LoadedOrganiser {
    fn from(organiser: Organiser) -> Self {
        let has_catalog = organiser.catalog.is_file();
        Self { organiser, has_catalog }
    }
}

/// An answer that is owed until the work is done.
#[derive(Debug)]
struct Owed {
    ctx: Context,
    answer: SyncSender<Answer>,
    lost: Option<Answer>,
}

impl Owed {
    fn settle(mut self) {
        self.lost = None;
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(lost) = self.lost.take() {
            let told = if std::thread::panicking() {
                self.answer.send(lost).is_ok()
            } else {
                // The thread did not start: this is the window's own, which must not wait for itself.
                self.answer.try_send(lost).is_ok()
            };
            tracing::warn!(told, "an errand was lost");
            self.ctx.request_repaint();
        }
    }
}

#[derive(Debug)]
pub(super) struct Errands {
    ctx: Context,
    answer: SyncSender<Answer>,
    answers: Receiver<Answer>,
}

impl Errands {
    pub(super) fn new(ctx: &Context) -> Self {
        let (answer, answers) = sync_channel(MAX_ANSWERS);
        Self { ctx: ctx.clone(), answer, answers }
    }

    pub(super) fn answer(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    /// Does it on a thread; an answer wakes the window.
    fn run(&self, name: &str, work: impl FnOnce() -> Option<Answer> + Send + 'static) {
        let (ctx, answer) = (self.ctx.clone(), self.answer.clone());
        let work = move || {
            if let Some(done) = work() {
                // Waits while the window takes the answers; fails when it is closed.
                drop(answer.send(done));
                ctx.request_repaint();
            }
        };
        if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
            tracing::warn!(%error, name, "no thread");
        }
    }

    /// The same, for what the window waits for: it has `lost` when the thread does not start or dies.
    fn run_owing(&self, name: &str, lost: Answer, work: impl FnOnce() -> Answer + Send + 'static) {
        let owed = Owed { ctx: self.ctx.clone(), answer: self.answer.clone(), lost: Some(lost) };
        self.run(name, move || {
            let done = work();
            owed.settle();
            Some(done)
        });
    }

    /// The system's dialog for a folder.
    pub(super) fn choose_folder(&self, who: FolderFor) {
        self.run("dialog", move || {
            Some(Answer::Folder { who, folder: rfd::FileDialog::new().pick_folder() })
        });
    }

    /// The system's dialog for files.
    pub(super) fn choose_files(&self, who: FileFor) {
        let (text, settings) = (PublishText::of(&self.ctx), SettingsText::of(&self.ctx));
        self.run("dialog", move || {
            let dialog = rfd::FileDialog::new();
            let one = |dialog: rfd::FileDialog| dialog.pick_file().map(|file| vec![file]);
            let files = match who {
                FileFor::Archives => dialog.add_filter(text.archive_files(), &ARCHIVES).pick_files(),
                FileFor::Cover => one(dialog.add_filter(text.picture_files(), &PICTURES)),
                FileFor::Catalog => one(dialog.add_filter(settings.catalog(), &["ron"])),
                FileFor::OrganiserKey => one(dialog),
            };
            files.map(|files| Answer::Files { who, files })
        });
    }

    /// Looks whether games can go to a folder that may not be there yet.
    pub(super) fn check_folder(&self, path: PathBuf) {
        self.run("check-folder", move || {
            let existing = path.ancestors().find(|folder| folder.exists());
            let is_writable = existing.is_some_and(|folder| tempfile::tempfile_in(folder).is_ok());
            let free_bytes = existing.and_then(|folder| fs4::available_space(folder).ok()).unwrap_or(0);
            let total_bytes = existing.and_then(|folder| fs4::total_space(folder).ok()).unwrap_or(0);
            let is_there = existing == Some(path.as_path());
            let report = FolderReport { path, is_there, is_writable, free_bytes, total_bytes };
            Some(Answer::FolderChecked(report))
        });
    }

    /// How large an installed game is, for the question of its removal.
    pub(super) fn measure(&self, game: GameId, folder: GameFolder, keep: Vec<String>) {
        self.run("measure", move || {
            let size = lanspread_peer::install::measure(&folder, &keep);
            size.ok().map(|size| Answer::Measured(game, size))
        });
    }

    /// Looks at what is to be published.
    pub(super) fn look_at_source(&self, from: Vec<PathBuf>) {
        self.run("look-at-source", move || {
            let found = lanspread_peer::publish::look(&from, &Cancel::new());
            let found = found.map_err(Fault::from);
            Some(Answer::SourceLookedAt(SourceReport { from, found }))
        });
    }

    /// Whether a catalog file can be used.
    pub(super) fn read_catalog(&self, path: PathBuf) {
        self.run("read-catalog", move || {
            let why = lanspread_peer::catalog_file::read(&path).err().map(Fault::from);
            Some(Answer::CatalogRead { path, problem: why.map(CatalogProblem::from) })
        });
    }

    /// What the catalog says that came with the program. No answer when it cannot be read: the start will say why.
    pub(super) fn read_party(&self, catalog: PathBuf) {
        self.run("read-party", move || {
            let party = match lanspread_peer::catalog_file::read(&catalog).ok()? {
                GivenCatalog::Signed(signed) => KnownParty::of(&signed.catalog),
                GivenCatalog::Plain(plain) => KnownParty::of(&plain),
            };
            Some(Answer::PartyRead(party))
        });
    }

    /// Copies the games to another folder.
    pub(super) fn copy_games(&self, from: PathBuf, to: PathBuf) {
        let (ctx, answer) = (self.ctx.clone(), self.answer.clone());
        self.run_owing("move-games", Answer::Copied(Err(Fault::BrokenOff)), move || {
            let tell = |moving| {
                // Full: the next one says more.
                drop(answer.try_send(Answer::Moving(moving)));
                ctx.request_repaint();
            };
            Answer::Copied(moving::copy(&from, &to, tell))
        });
    }

    /// Removes the copies that are not in use.
    pub(super) fn clean_up(&self, copied: Copied, clean: fn(&Copied)) {
        self.run_owing("clean-up", Answer::CleanedUp, move || {
            clean(&copied);
            Answer::CleanedUp
        });
    }

    /// Lets go of a folder that another window may take: a thread ends, a file goes.
    pub(super) fn let_go(&self, front: Front) {
        self.run("let-go", move || {
            drop(front);
            None
        });
    }

    /// Looks for an organiser's key: the one that was chosen, else the one beside the catalog.
    pub(super) fn find_organiser(&self, catalog: PathBuf, key: Option<PathBuf>) {
        self.run("organiser", move || organiser::find(&catalog, key).map(Answer::OrganiserFound));
    }

    /// Makes a key, and a catalog of this party if there is none to sign.
    pub(super) fn make_organiser(&self, catalog: Option<PathBuf>, own: PathBuf, party: String) {
        self.run("organiser", move || {
            let made = organiser::make(catalog, own, &party);
            Some(Answer::OrganiserLoaded(made.map(LoadedOrganiser::from)))
        });
    }

    /// Loads a key that is there.
    pub(super) fn load_organiser(&self, catalog: PathBuf, key: PathBuf) {
        self.run("organiser", move || {
            let loaded = organiser::load(&catalog, key);
            Some(Answer::OrganiserLoaded(loaded.map(LoadedOrganiser::from)))
        });
    }

    /// Asks for an administrator's consent and lets others in. No answer when the person says no.
    #[cfg(windows)]
    pub(super) fn allow_in_firewall(&self, parameters: String) {
        self.run("firewall", move || {
            let changed = match super::windows::run_as_administrator(&parameters) {
                Ok(None) => return None,
                Ok(Some(0)) => Ok(()),
                Ok(Some(code)) => Err(format!("netsh: {code}")),
                Err(error) => Err(error.to_string()),
            };
            Some(Answer::FirewallChanged(changed))
        });
    }

    /// Only Windows says by which command.
    #[cfg(not(windows))]
    pub(super) fn allow_in_firewall(&self, _parameters: String) {
        self.run("firewall", || Some(Answer::FirewallChanged(Err(std::env::consts::OS.to_owned()))));
    }

    /// Shows a folder in the system's file manager.
    pub(super) fn open(&self, folder: PathBuf) {
        self.run("open-folder", move || {
            let program = if cfg!(windows) { "explorer" } else { "xdg-open" };
            let status = Command::new(program).arg(&folder).status();
            // The Explorer's exit code says nothing.
            let is_shown = status.is_ok_and(|status| status.success() || cfg!(windows));
            (!is_shown).then(|| Answer::NotOpened(folder.display().to_string()))
        });
    }

    /// Shows where a file lies.
    pub(super) fn open_place_of(&self, file: &Path) {
        self.open(file.parent().unwrap_or(file).to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_comes_even_if_the_thread_dies() {
        let errands = Errands::new(&Context::default());
        errands.run_owing("dies", Answer::Copied(Err(Fault::BrokenOff)), || panic!("on purpose"));
        assert!(matches!(errands.answers.recv(), Ok(Answer::Copied(Err(Fault::BrokenOff)))));
        errands.run_owing("lives", Answer::Copied(Err(Fault::BrokenOff)), || Answer::CleanedUp);
        assert!(matches!(errands.answers.recv(), Ok(Answer::CleanedUp)));
        assert!(errands.answer().is_none(), "one answer each");
    }
}
