//! What screens ask for. They never act: a screen returns an [`Action`], the shell carries it out.

use std::net::IpAddr;
use std::path::PathBuf;

use lanspread_engine::{Command, Extras, Saves};
use lanspread_peer::api::{PublishRequest, SettingsChange};
use lanspread_protocol::{GameId, OrganiserKey};

use crate::model::{Filter, Sort};
use crate::notices::NoticeId;
use crate::text::Language;

/// A place of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Screen {
    #[default]
    Library,
    Downloads,
    Party,
    Settings,
    Publish,
}

/// What a person wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Navigate(Screen),
    /// The library, with this chip and in this order.
    Browse(Filter, Sort),
    /// The details panel over the library.
    OpenDetails(GameId),
    CloseDetails,
    /// The peer does it; a refusal becomes a toast.
    Command(Command),
    /// A question first, in a dialog.
    Ask(Question),
    CloseDialog,
    /// What runs when a person clicked *Play*.
    Play(GameId),
    /// Another program of a game: its server, or the way to join one.
    Start(Start),
    OpenFolder(GameId),
    /// The system's dialog; its answer reaches the screen that asked.
    ChooseFolder(FolderFor),
    /// The system's dialog for files; what is chosen reaches the screen that asked.
    ChooseFiles(FileFor),
    /// Publish: what is in there?
    LookAtSource(Vec<PathBuf>),
    /// Files or a folder were dropped on the window.
    Drop(Vec<PathBuf>),
    /// First run: can games go there?
    CheckFolder(PathBuf),
    /// The party, where an address can be typed.
    AddByAddress,
    /// An address as typed, checked by the screen.
    AddPeer(String),
    Set(Setting),
    Dismiss(NoticeId),
    /// The list of what is done was seen.
    ClearFinished,
    Copy(String),
    Publish(Box<PublishRequest>),
    /// The same again, after it failed.
    PublishAgain(GameId),
    /// Makes an organiser's key for a party of this name.
    Organise(String),
    /// No catalog file counts any more, only what the party has.
    FollowParty,
    /// This is the games folder from now on, as it is.
    UseGames(PathBuf),
    /// All games go there, then it is the games folder.
    MoveGames(PathBuf),
    ShowFolder(PathBuf),
    /// Versions, addresses, errors: for who helps.
    CopyReport,
    OpenLog,
    /// What was asked for, after the question of a game's first start.
    StartUnverified(Start),
    /// Shows where a file lies.
    ShowFile(PathBuf),
    /// Closes the window, whatever runs.
    Quit,
    /// To the first form, for another folder.
    ChooseAgain,
    /// Starts the peer again after its network service stopped.
    Restart,
    /// Looks for others again.
    LookAgain,
    /// The party screen's checks.
    RunChecks,
    /// Lets others through the firewall: these parameters of `cmd.exe`, run by an administrator.
    AllowInFirewall(String),
    /// First run: this name, this folder.
    Begin {
        name: String,
        games: PathBuf,
    },
}

/// What of a game a person wants to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    pub game: GameId,
    /// The program's name in the catalog; `None` is what *Play* starts.
    pub entry: Option<&'static str>,
    /// The server to join.
    pub server: Option<IpAddr>,
}

impl Start {
    pub const fn play(game: GameId) -> Self {
        Self { game, entry: None, server: None }
    }
}

/// A dialog's question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    Update(GameId),
    /// The rows that are ticked at first.
    Remove {
        game: GameId,
        first: RemoveWhat,
    },
    /// What went wrong with a game, and what to do.
    Error(GameId),
    Quit,
    /// Whether this PC is the organiser's.
    Organise,
    /// Whether an organiser's catalogs count here.
    Trust(OrganiserKey),
    /// What becomes of the games when another folder is chosen.
    MoveGames(PathBuf),
    /// Whether to start what no catalog vouches for.
    FirstStart(Start),
    /// What to do when the games folder cannot be used.
    Folder {
        games: PathBuf,
        trouble: FolderTrouble,
    },
}

/// What is wrong with the games folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderTrouble {
    /// Its drive may be unplugged.
    Gone,
    NotWritable,
    /// A file lies there.
    NoFolder,
    /// Another Lanspread has it.
    InUse,
}

/// What a person wants to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoveWhat {
    Download,
    Installed,
}

/// Who asked for a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderFor {
    FirstRun,
    Games,
    Publish,
}

/// Who asked for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFor {
    /// What is published.
    Archives,
    Cover,
    OrganiserKey,
    Catalog,
}

/// A setting that takes effect at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    Language(Language),
    Theme(egui::ThemePreference),
    /// In percent.
    Zoom(u16),
    /// The only network adapter that is used, by name; none is all of them.
    Adapter(Option<String>),
    Peer(SettingsChange),
}

impl Action {
    /// It changes, starts or reads the files of a game, or asks before it does: not while they go to another folder.
    pub const fn needs_games_in_place(&self) -> bool {
        match self {
            Self::Command(command) => is_work(command),
            Self::Ask(question) => {
                matches!(question, Question::Update(_) | Question::Remove { .. } | Question::FirstStart(_))
            }
            Self::Play(_)
            | Self::StartUnverified(_)
            | Self::Start(_)
            | Self::Publish(_)
            | Self::PublishAgain(_)
            | Self::UseGames(_)
            | Self::MoveGames(_) => true,
            Self::Navigate(_)
            | Self::Browse(..)
            | Self::OpenDetails(_)
            | Self::CloseDetails
            | Self::CloseDialog
            | Self::OpenFolder(_)
            | Self::ChooseFolder(_)
            | Self::ChooseFiles(_)
            | Self::LookAtSource(_)
            | Self::Drop(_)
            | Self::CheckFolder(_)
            | Self::AddByAddress
            | Self::AddPeer(_)
            | Self::Set(_)
            | Self::Dismiss(_)
            | Self::ClearFinished
            | Self::Copy(_)
            | Self::Organise(_)
            | Self::FollowParty
            | Self::ShowFolder(_)
            | Self::CopyReport
            | Self::OpenLog
            | Self::ShowFile(_)
            | Self::Quit
            | Self::ChooseAgain
            | Self::Restart
            | Self::LookAgain
            | Self::RunChecks
            | Self::AllowInFirewall(_)
            | Self::Begin { .. } => false,
        }
    }

    /// What takes the most space on this PC.
    pub const BIGGEST: Self = Self::Browse(Filter::Installed, Sort::Size);

    pub const fn uninstall(game: GameId) -> Self {
        Self::Ask(Question::Remove { game, first: RemoveWhat::Installed })
    }

    pub const fn remove(game: GameId) -> Self {
        Self::Ask(Question::Remove { game, first: RemoveWhat::Download })
    }

    /// Removes the payload, and all that belongs to it if told so.
    pub const fn remove_now(game: GameId, local: Option<Saves>) -> Self {
        Self::Command(Command::Remove { game, local, extras: Extras::Keep })
    }
}

/// An operation on a game begins, or its parts go.
const fn is_work(command: &Command) -> bool {
    match command {
        Command::Download { .. }
        | Command::Update { .. }
        | Command::Install { .. }
        | Command::Uninstall { .. }
        | Command::Start { .. }
        | Command::Verify { .. }
        | Command::Cancel { .. }
        | Command::Resume { .. }
        | Command::Remove { .. }
        | Command::Publish { .. }
        | Command::ChangeGamesFolder => true,
        Command::Connect { .. }
        | Command::MeasureUpdate { .. }
        | Command::Pause { .. }
        | Command::Trust { .. }
        | Command::MoveInQueue { .. }
        | Command::Dismiss { .. }
        | Command::Forget { .. }
        | Command::LookAgain
        | Command::Set(_) => false,
    }
}
