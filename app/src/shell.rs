//! The program around the window: it holds the peer, gives the window its snapshot, and carries out what it asks for.
//!
//! Nothing here waits: commands go through a bounded channel that refuses at once, replies and events are taken as far
//! as they are there, and what takes time (dialogs of the system, starting a peer) has a thread of its own.

mod peer;
mod told;
mod work;

use std::sync::Arc;
use std::time::Instant;

use egui::Context;
use lanspread_engine::Command;
use lanspread_peer::api::{PeerCommand, Snapshot};

use crate::action::{Action, Setting};
use crate::cover::Covers;
use crate::model::{Source, Told, play_entry};
use crate::notices::Notice;
use crate::screens::first_run;
use crate::settings::{Keeper, Settings, Store};
use crate::start::Args;
use crate::text::NoticeText;
use crate::theme;
use crate::window::{self, WindowState};
use peer::Peer;
use work::{Chosen, Errands};

/// The running program.
#[derive(Debug)]
pub struct Shell {
    ctx: Context,
    args: Args,
    peer: Peer,
    errands: Errands,
    settings: Settings,
    /// `None`: there is nowhere to keep settings.
    keeper: Option<Keeper>,
    snapshot: Arc<Snapshot>,
    told: Told,
    state: WindowState,
    covers: Covers,
}

impl Shell {
    pub fn new(ctx: &Context, args: &Args) -> Self {
        theme::set_up(ctx);
        let store = Store::find(args.portable);
        let loaded = store.as_ref().map(Store::load).unwrap_or_default();
        let settings = loaded.settings;
        let (woken, mut args) = (ctx.clone(), args.clone());
        let keeper = store.and_then(|store| Keeper::new(store, move || woken.request_repaint()).ok());
        ctx.set_theme(settings.theme());
        settings.language().set(ctx);
        args.games = args.games.or_else(|| settings.games.clone());
        let mut peer = Peer::new(ctx);
        let config = args.peer_config();
        let mut state = WindowState { is_first_run: config.is_none(), ..WindowState::default() };
        state.first_run = first_run::State::suggested(user_name(), suggested_folder());
        state.settings.chosen = settings.clone();
        if let Some(path) = loaded.set_aside {
            let text = NoticeText::of(ctx);
            let line = text.settings_set_aside(&path.display().to_string());
            state.toasts.add(Notice::bad(text.settings_unreadable(), line));
        }
        if let Some(mut config) = config {
            settings.configure(&mut config);
            peer.start(config);
        }
        Self {
            ctx: ctx.clone(),
            args,
            peer,
            errands: Errands::new(ctx),
            settings,
            keeper,
            snapshot: Arc::default(),
            told: Told::default(),
            state,
            covers: Covers::new(ctx),
        }
    }

    /// Takes what came since the last frame.
    fn take_news(&mut self) {
        let text = NoticeText::of(&self.ctx);
        for error in self.peer.receive() {
            self.state.toasts.add(Notice::bad(text.not_done(&error), ""));
        }
        self.snapshot = self.peer.snapshot();
        for event in self.peer.events() {
            if let Some(notice) = told::take(&mut self.told, &self.snapshot, &event, text) {
                self.state.toasts.add(notice);
            }
        }
        while let Some(Chosen { who, folder }) = self.errands.chosen() {
            self.state.folder_chosen(who, folder);
        }
        while let Some(report) = self.errands.report() {
            self.state.first_run.folder_checked(report);
        }
        while let Some(error) = self.keeper.as_ref().and_then(Keeper::failure) {
            self.state.toasts.add(Notice::bad(text.settings_not_saved(), error));
        }
        while let Some(path) = self.errands.not_opened() {
            self.state.toasts.add(Notice::bad(text.cannot_open(&path), ""));
        }
    }

    fn act(&mut self, action: Action) {
        let Some(action) = self.state.apply(action) else { return };
        match action {
            Action::Command(command) => self.send(PeerCommand::Engine(command)),
            Action::Play(game) => self.play(game),
            Action::Publish(request) => self.send(PeerCommand::Publish(request)),
            Action::AddPeer(address) => self.add_peer(&address),
            Action::Set(setting) => self.set(setting),
            Action::OpenFolder(game) => {
                if let Some(ready) = &self.snapshot.ready {
                    let folder = std::path::Path::new(&ready.games_dir).join(game.as_str());
                    self.errands.open(folder);
                }
            }
            Action::CheckFolder(path) => self.errands.check_folder(path),
            Action::ChooseFolder(who) => self.errands.choose_folder(who),
            Action::Copy(text) => {
                self.ctx.copy_text(text);
                let copied = NoticeText::of(&self.ctx).copied();
                self.state.toasts.add(Notice::good(copied, ""));
            }
            Action::ForgetFailure(game) => drop(self.told.failures.remove(&game)),
            Action::ClearFinished => self.told.finished.clear(),
            Action::Restart => self.peer.restart(),
            Action::Begin { name, games } => {
                self.settings.games = Some(games.clone());
                self.settings.name = Some(name);
                self.save();
                self.args.games = Some(games);
                if let Some(mut config) = self.args.peer_config() {
                    self.settings.configure(&mut config);
                    self.peer.begin(config);
                    self.state.is_first_run = false;
                }
            }
            Action::LookAgain | Action::RunChecks => {
                drop(self.state.apply(Action::Navigate(crate::action::Screen::Party)));
            }
            // What concerns the window alone was carried out above.
            Action::Navigate(_)
            | Action::OpenDetails(_)
            | Action::CloseDetails
            | Action::Ask(_)
            | Action::CloseDialog
            | Action::Dismiss(_) => {}
        }
    }

    fn play(&mut self, game: lanspread_protocol::GameId) {
        let source = Source { snapshot: &self.snapshot, told: &self.told };
        let entry = source.game(&game).and_then(|view| view.entry.as_ref()).and_then(play_entry);
        // Without an entry the peer says why it does not start.
        let entry = entry.map_or_else(|| "play".to_owned(), |entry| entry.name.clone());
        self.send(PeerCommand::Engine(Command::Start { game, entry, server: None }));
    }

    fn add_peer(&mut self, address: &str) {
        match address.parse::<lanspread_peer::api::PeerAddress>() {
            Ok(address) => {
                let addresses = address.socket_addrs();
                self.send(PeerCommand::Engine(Command::Connect { addresses }));
            }
            Err(error) => {
                self.state.toasts.add(Notice::bad(error.to_string(), ""));
            }
        }
    }

    fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Language(language) => {
                language.set(&self.ctx);
                self.settings.language = Some(language.code().to_owned());
            }
            Setting::Theme(theme) => {
                self.ctx.set_theme(theme);
                self.settings.theme = Some(theme.into());
            }
            Setting::Peer(change) => {
                self.settings.change(&change);
                self.send(PeerCommand::Set(change));
            }
        }
        self.save();
    }

    /// Shows and keeps what is chosen now.
    fn save(&mut self) {
        self.state.settings.chosen = self.settings.clone();
        if let Some(keeper) = &self.keeper {
            keeper.save(&self.settings);
        }
    }

    fn send(&mut self, command: PeerCommand) {
        let text = NoticeText::of(&self.ctx);
        let refused = match self.peer.send(command) {
            Ok(()) => return,
            Err(lanspread_peer::api::SendRefused::Full) => {
                Notice::bad(text.too_many_commands(), text.try_again())
            }
            Err(lanspread_peer::api::SendRefused::Stopped) => {
                Notice::bad(text.peer_stopped(), text.restart_it())
            }
        };
        self.state.toasts.add(refused);
    }
}

impl eframe::App for Shell {
    fn logic(&mut self, _ctx: &Context, _frame: &mut eframe::Frame) {
        self.take_news();
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let source = Source { snapshot: &self.snapshot, told: &self.told };
        let actions = window::show(ui, source, &mut self.state, &mut self.covers, Instant::now());
        for action in actions {
            self.act(action);
        }
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.peer.stop();
    }
}

/// The account's name, as a first suggestion.
fn user_name() -> String {
    let name = std::env::var(if cfg!(windows) { "USERNAME" } else { "USER" });
    name.unwrap_or_default().chars().take(32).collect()
}

fn suggested_folder() -> Option<std::path::PathBuf> {
    etcetera::home_dir().ok().map(|home| home.join("Lanspread"))
}
