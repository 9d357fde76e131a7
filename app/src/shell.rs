//! The program around the window: it holds the peer, gives the window its snapshot, and carries out what it asks for.
//!
//! Nothing here waits: commands go through a bounded channel that refuses at once, replies and events are taken as far
//! as they are there, and what takes time (dialogs of the system, starting a peer) has a thread of its own.

mod answers;
mod desk;
mod peer;
mod told;
mod work;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use egui::{Context, ViewportCommand};
use lanspread_engine::Command;
use lanspread_peer::api::{PeerCommand, PublishRequest, Snapshot};
use lanspread_peer::disk::GamesFolder;
use lanspread_protocol::{GameId, Version};

use crate::action::{Action, Question, Screen, Setting};
use crate::cover::Covers;
use crate::model::{PublishStep, QuitModel, Source, Told, play_entry, report};
use crate::notices::Notice;
use crate::screens::first_run;
use crate::settings::{Keeper, Loaded, Settings, Store, Unread};
use crate::start::Args;
use crate::text::NoticeText;
use crate::theme;
use crate::window::{self, WindowState};
use desk::Desk;
use peer::{Begin, Peer};
use work::Errands;
use work::moving::Copied;

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
    desk: Desk,
    /// Closing was confirmed, or the window's place is saved already.
    is_leaving: bool,
    /// The games are in two folders until one of them is in use.
    copied: Option<Copied>,
}

impl Shell {
    pub fn new(ctx: &Context, args: &Args, loaded: Loaded) -> Self {
        theme::set_up(ctx);
        // Of a demo nothing is kept.
        let store = Store::find(args.portable).filter(|_| !args.demo);
        let is_portable = store.as_ref().is_some_and(Store::is_portable);
        let settings = loaded.settings;
        let (woken, mut args) = (ctx.clone(), args.clone());
        let keeper = store.and_then(|store| Keeper::new(store, move || woken.request_repaint()).ok());
        ctx.set_theme(settings.theme());
        settings.language().set(ctx);
        ctx.set_zoom_factor(settings.zoom());
        args.games = args.games.or_else(|| settings.games.clone());
        let mut peer = Peer::new(ctx);
        let config = args.peer_config();
        let is_first_run = config.is_none() && !args.demo;
        let mut state = WindowState { is_first_run, ..WindowState::default() };
        state.first_run = first_run::State::suggested(first_run::Suggestion {
            name: settings.name.clone().unwrap_or_else(user_name),
            folder: suggested_folder(),
            party: settings.party.clone(),
            is_portable,
        });
        state.settings.chosen = settings.clone();
        if let Some(unread) = &loaded.unread {
            let text = NoticeText::of(ctx);
            let line = match unread {
                Unread::SetAside(path) => text.settings_set_aside(&path.display().to_string()),
                Unread::OnStick { path, error } => text.not_used(&path.display().to_string(), error),
            };
            state.toasts.add(Notice::bad(text.settings_unreadable(), line));
        }
        if args.demo {
            peer.start(Begin::Demo { name: Some(user_name()).filter(|name| !name.is_empty()) });
        } else if let Some(mut config) = config {
            settings.configure(&mut config);
            peer.start(Begin::Folder(config));
        }
        let errands = Errands::new(ctx);
        let catalog = args.catalog.clone().or_else(|| settings.catalog.clone());
        if let Some(catalog) = catalog.or_else(|| keeper.as_ref().and_then(Keeper::own_catalog)) {
            errands.find_organiser(catalog, settings.organiser_key.clone());
        }
        Self {
            ctx: ctx.clone(),
            args,
            peer,
            errands,
            settings,
            keeper,
            snapshot: Arc::default(),
            told: Told::default(),
            state,
            covers: Covers::new(ctx),
            desk: Desk::default(),
            is_leaving: false,
            copied: None,
        }
    }

    /// Takes what came since the last frame.
    fn take_news(&mut self) {
        let text = NoticeText::of(&self.ctx);
        for refused in self.peer.receive() {
            if let Some(game) = &refused.publish {
                told::publish_is_at(&mut self.told, game, PublishStep::Failed(refused.why.clone()));
            }
            self.state.toasts.add(Notice::bad(text.not_done(&refused.why), ""));
            if refused.is_folder {
                self.give_up_move();
            }
        }
        let snapshot = self.peer.snapshot();
        if !Arc::ptr_eq(&snapshot, &self.snapshot) {
            self.snapshot = snapshot;
            let told = self.snapshot.view.as_ref().map_or(&[][..], |view| &view.notices);
            self.state.toasts.follow(told);
            if let Some(notice) = told::updates(&mut self.told, &self.snapshot, &self.ctx) {
                self.state.toasts.add(notice);
            }
        }
        for event in self.peer.events() {
            self.follow_move(&event);
            if let Some(notice) = told::take(&mut self.told, &self.snapshot, &event, &self.ctx) {
                self.state.toasts.add(notice);
            }
        }
        while let Some(answer) = self.errands.answer() {
            self.take_answer(answer);
        }
        while let Some(error) = self.keeper.as_ref().and_then(Keeper::failure) {
            self.state.toasts.add(Notice::bad(text.settings_not_saved(), error));
        }
    }

    fn act(&mut self, action: Action) {
        let Some(action) = self.state.apply(action) else { return };
        match action {
            Action::Command(command) => self.send(PeerCommand::Engine(command)),
            Action::Play(game) => self.play(game),
            Action::PlayUnverified(game) => self.start_unverified(game),
            Action::Start { game, entry, server } => self.start_other(game, entry, server),
            Action::UseGames(folder) => self.use_games(folder),
            Action::MoveGames(folder) => self.move_games(folder),
            Action::ShowFolder(folder) => self.errands.open(folder),
            Action::CopyReport => {
                let report = report(Source { snapshot: &self.snapshot, told: &self.told });
                self.copy(report);
            }
            Action::OpenLog => {
                if let Some(ready) = &self.snapshot.ready {
                    self.errands.open(GamesFolder::new(&ready.games_dir).logs());
                }
            }
            Action::Publish(request) => self.publish(request),
            Action::PublishAgain(game) => {
                let mut earlier = self.told.publishing.iter().map(|publishing| &publishing.request);
                let request = earlier.find(|request| request.game.id == game).cloned();
                if let Some(request) = request {
                    self.publish(request);
                }
            }
            Action::ChooseFiles(who) => self.errands.choose_files(who),
            Action::LookAtSource(from) => self.errands.look_at_source(from),
            Action::ShowFile(path) => self.errands.open_place_of(&path),
            Action::Organise(party) => {
                if let Some(own) = self.own_catalog() {
                    self.errands.make_organiser(self.catalog(), own, party);
                }
            }
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
            Action::Copy(text) => self.copy(text),
            Action::ClearFinished => self.told.finished.clear(),
            Action::Restart => self.peer.restart(),
            Action::Quit => {
                self.is_leaving = true;
                self.ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Action::Begin { name, games } => {
                self.settings.games = Some(games.clone());
                self.settings.name = Some(name);
                self.save();
                self.args.games = Some(games);
                if let Some(mut config) = self.args.peer_config() {
                    self.settings.configure(&mut config);
                    self.peer.start(Begin::NewFolder(config));
                    self.state.is_first_run = false;
                }
            }
            Action::LookAgain => {
                drop(self.state.apply(Action::Navigate(Screen::Party)));
                self.send(PeerCommand::LookAgain);
            }
            Action::RunChecks => {
                self.send(PeerCommand::Check);
                self.send(PeerCommand::LookAgain);
            }
            // What concerns the window alone was carried out above.
            Action::Navigate(_)
            | Action::OpenDetails(_)
            | Action::CloseDetails
            | Action::Ask(_)
            | Action::CloseDialog
            | Action::Drop(_)
            | Action::Browse(..)
            | Action::Dismiss(_) => {}
        }
    }

    /// Asks first while something runs. Else the window goes at once, and nothing that is seen waits for the peer.
    fn leave(&mut self) {
        let model = QuitModel::new(Source { snapshot: &self.snapshot, told: &self.told });
        if model.operations > 0 && !self.is_leaving {
            self.ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.state.question = Some(Question::Quit);
            return;
        }
        self.ctx.send_viewport_cmd(ViewportCommand::Visible(false));
        self.settings.window = self.desk.place().or(self.settings.window);
        let zoom = self.ctx.zoom_factor();
        self.settings.zoom = ((zoom - 1.0).abs() > f32::EPSILON).then_some(zoom);
        self.save();
    }

    fn publish(&mut self, request: Box<PublishRequest>) {
        told::publish_begins(&mut self.told, request.clone());
        self.send(PeerCommand::Publish(request));
    }

    fn copy(&mut self, text: String) {
        self.ctx.copy_text(text);
        let copied = NoticeText::of(&self.ctx).copied();
        self.state.toasts.add(Notice::good(copied, ""));
    }

    /// Asks before the first start of a version that no catalog pins.
    fn play(&mut self, game: GameId) {
        if self.is_to_be_asked(&game) {
            drop(self.state.apply(Action::Ask(Question::FirstStart(game))));
        } else {
            self.start(game);
        }
    }

    fn start_other(&mut self, game: GameId, entry: &str, server: Option<IpAddr>) {
        if self.is_to_be_asked(&game) {
            drop(self.state.apply(Action::Ask(Question::FirstStart(game))));
        } else {
            let (entry, server) = (entry.to_owned(), server.map(|server| server.to_string()));
            self.send(PeerCommand::Engine(Command::Start { game, entry, server }));
        }
    }

    fn is_to_be_asked(&self, game: &GameId) -> bool {
        self.unverified(game).is_some_and(|version| self.settings.started.get(game) != Some(&version))
    }

    fn start_unverified(&mut self, game: GameId) {
        if let Some(version) = self.unverified(&game) {
            self.settings.started.insert(game.clone(), version);
            self.save();
        }
        self.start(game);
    }

    /// The version that is here of a game that the catalog does not pin.
    fn unverified(&self, game: &GameId) -> Option<Version> {
        let source = Source { snapshot: &self.snapshot, told: &self.told };
        let view = source.game(game)?;
        let is_pinned = view.entry.as_ref()?.manifest.is_some();
        view.installed_version.clone().or_else(|| view.expected.clone()).filter(|_| !is_pinned)
    }

    fn start(&mut self, game: GameId) {
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
            Setting::Zoom(percent) => {
                self.ctx.set_zoom_factor(f32::from(percent) / 100.0);
                self.settings.zoom = Some(f32::from(percent) / 100.0);
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
        self.desk.follow(&self.ctx, Source { snapshot: &self.snapshot, told: &self.told });
        self.desk.see(&self.ctx);
        if self.ctx.input(|input| input.viewport().close_requested()) {
            self.leave();
        }
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
    directories::BaseDirs::new().map(|folders| folders.home_dir().join("Lanspread"))
}
