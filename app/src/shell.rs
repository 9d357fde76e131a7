//! The program around the window: it holds the peer, gives the window its snapshot, and carries out what it asks for.
//!
//! Nothing here waits: commands go through a bounded channel that refuses at once, replies and events are taken as far
//! as they are there, and what takes time (dialogs of the system, starting a peer) has a thread of its own.

mod actions;
mod answers;
mod desk;
mod front;
mod peer;
mod setup;
#[cfg(test)]
mod tests;
mod told;
#[cfg(windows)]
mod windows;
mod work;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use egui::Context;
use lanspread_engine::Event;
use lanspread_peer::api::{PeerCommand, PeerEvent, Snapshot};

use crate::action::{Action, Question};
use crate::cover::Covers;
use crate::model::{Fault, PublishStep, Source, Told};
use crate::notices::Notice;
use crate::screens::first_run;
use crate::settings::{Keeper, Loaded, Settings, Store, Unread};
use crate::start::Args;
use crate::text::{FaultText, NoticeText, PeerText};
use crate::theme;
use crate::window::{self, WindowState};
use desk::Desk;
use front::Front;
use peer::{Begin, Peer, StartTrouble};
use setup::Setup;
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
    /// Second starts on the games folder find this window.
    front: Option<Front>,
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
        // What could not be read is not written over.
        let store = store.filter(|_| !matches!(loaded.unread, Some(Unread::Left { .. })));
        let keeper = store.and_then(|store| Keeper::new(store, move || woken.request_repaint()).ok());
        ctx.set_theme(settings.theme());
        settings.language().set(ctx);
        ctx.set_zoom_factor(settings.zoom());
        let is_named = args.games.is_some();
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
        state.settings.is_portable = is_portable;
        if let Some(unread) = &loaded.unread {
            let text = NoticeText::of(ctx);
            let line = match unread {
                Unread::SetAside(path) => text.settings_set_aside(&path.display().to_string()),
                Unread::Left { path, error } => text.settings_left(&path.display().to_string(), error),
                Unread::OnStick { path, error } => text.not_used(&path.display().to_string(), error),
            };
            state.toasts.add(Notice::bad(text.settings_unreadable(), line));
        }
        if args.demo {
            peer.start(Begin::Demo { name: Some(user_name()).filter(|name| !name.is_empty()) });
        } else if let Some(config) = config {
            let setup = Setup::of(config, &settings);
            peer.start(if is_named { Begin::Named(setup) } else { Begin::Folder(setup) });
        }
        let errands = Errands::new(ctx);
        let catalog = args.catalog.clone().or_else(|| settings.catalog.clone());
        if let Some(catalog) = catalog.or_else(|| keeper.as_ref().and_then(Keeper::own_catalog)) {
            if is_first_run {
                errands.read_party(catalog.clone());
            }
            errands.find_organiser(catalog, settings.organiser_key.clone());
        }
        let told = Told { played: settings.played.clone(), ..Told::default() };
        let desk = Desk::new(settings.window);
        Self {
            ctx: ctx.clone(),
            args,
            peer,
            errands,
            settings,
            keeper,
            snapshot: Arc::default(),
            told,
            state,
            covers: Covers::new(ctx),
            desk,
            is_leaving: false,
            front: None,
            copied: None,
        }
    }

    /// The start failed: another try without what is in the way, or a question.
    fn take_failed_start(&mut self) {
        let Some(failure) = self.peer.failed_start() else { return };
        self.told.not_started = Some(Fault::clone(&failure.why));
        match failure.trouble {
            StartTrouble::Folder { games, trouble } => {
                self.state.question = Some(Question::Folder { games, trouble });
            }
            StartTrouble::Catalog => {
                self.state.settings.catalog_problem = Some((*failure.why).into());
                self.peer.start_without_catalog();
            }
            // The banner says it.
            StartTrouble::Other => {}
        }
    }

    /// Lets second starts on the games folder find this window.
    fn be_found(&mut self) {
        let Some(ready) = self.snapshot.ready.as_ref().filter(|_| !self.args.demo) else { return };
        let games = Path::new(&ready.games_dir);
        if self.front.as_ref().is_some_and(|front| front.is_of(games)) {
            return;
        }
        if let Some(old) = self.front.replace(Front::listen(&self.ctx, games)) {
            self.errands.let_go(old);
        }
    }

    /// Takes what came since the last frame.
    fn take_news(&mut self) {
        let text = NoticeText::of(&self.ctx);
        for refused in self.peer.receive() {
            if let (Some(game), Some(error)) = (&refused.publish, &refused.error) {
                told::publish_is_at(&mut self.told, game, PublishStep::Failed(error.clone()));
            }
            let why = refused.error.map(|error| PeerText::of(&self.ctx).error(&error));
            let why = why.unwrap_or_else(|| text.peer_stopped().to_owned());
            self.state.toasts.add(Notice::bad(text.not_done(&why), ""));
            if refused.is_folder {
                self.give_up_move();
            }
        }
        self.take_failed_start();
        let snapshot = self.peer.snapshot();
        if !Arc::ptr_eq(&snapshot, &self.snapshot) {
            let is_back = folder_is_back(&self.snapshot, &snapshot);
            self.snapshot = snapshot;
            if is_back {
                // Its files were open while it was away: only a fresh look at it can be trusted.
                self.act(Action::Restart);
            }
            self.be_found();
            let told = self.snapshot.view.as_ref().map_or(&[][..], |view| &view.notices);
            self.state.toasts.follow(told, PeerText::of(&self.ctx));
            let source = Source { snapshot: &self.snapshot, told: &self.told };
            self.state.toasts.drop_done(|action| told::is_done(source, action));
            if let Some(notice) = told::updates(&mut self.told, &self.snapshot, &self.ctx) {
                self.state.toasts.add(notice);
            }
        }
        for event in self.peer.events() {
            self.follow_move(&event);
            let is_start = matches!(event, PeerEvent::Engine(Event::GameStarted { .. }));
            if let Some(notice) = told::take(&mut self.told, &self.snapshot, &event, &self.ctx) {
                self.state.toasts.add(notice);
            }
            if is_start {
                self.settings.played.clone_from(&self.told.played);
                self.save();
            }
        }
        while let Some(answer) = self.errands.answer() {
            self.take_answer(answer);
        }
        while let Some(why) = self.keeper.as_ref().and_then(Keeper::failure) {
            let why = FaultText::of(&self.ctx).fault(&why);
            self.state.toasts.add(Notice::bad(text.settings_not_saved(), why));
        }
    }

    fn send(&mut self, command: PeerCommand) {
        self.try_send(command);
    }

    /// `false`: it was refused at once, which is told.
    fn try_send(&mut self, command: PeerCommand) -> bool {
        let text = NoticeText::of(&self.ctx);
        let refused = match self.peer.send(command) {
            Ok(()) => return true,
            Err(lanspread_peer::api::SendRefused::Full) => {
                Notice::bad(text.too_many_commands(), text.try_again())
            }
            Err(lanspread_peer::api::SendRefused::Stopped) => {
                Notice::bad(text.peer_stopped(), text.restart_it())
            }
        };
        self.state.toasts.add(refused);
        false
    }
}

impl eframe::App for Shell {
    fn logic(&mut self, _ctx: &Context, frame: &mut eframe::Frame) {
        self.take_news();
        self.desk.follow(&self.ctx, frame, Source { snapshot: &self.snapshot, told: &self.told });
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

/// The games folder was away and is there again.
fn folder_is_back(before: &Snapshot, now: &Snapshot) -> bool {
    let folder = |snapshot: &Snapshot| snapshot.ready.as_ref().map(|ready| ready.games_dir.clone());
    let is_same = folder(before).is_some() && folder(before) == folder(now);
    is_same && before.folder_is_gone && !now.folder_is_gone && now.failure.is_none()
}

/// True when a window that has this games folder has come to the front.
pub fn is_shown_by_another(games: &Path) -> bool {
    front::call(games)
}

/// The account's name, as a first suggestion.
fn user_name() -> String {
    let name = std::env::var(if cfg!(windows) { "USERNAME" } else { "USER" });
    name.unwrap_or_default().chars().take(32).collect()
}

fn suggested_folder() -> Option<std::path::PathBuf> {
    directories::BaseDirs::new().map(|folders| folders.home_dir().join("Lanspread"))
}
