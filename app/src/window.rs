//! The whole window as a function of a snapshot and a state: the frame, the screen in it, what floats over it.
//!
//! It needs no running peer, so that tests and pictures show the very window that people see.

use std::path::PathBuf;
use std::time::Instant;

use egui::{Key, Modifiers, Ui, UiBuilder};
use lanspread_engine::Command;
use lanspread_protocol::GameId;

use crate::action::{Action, FolderFor, Question, Screen};
use crate::cover::Covers;
use crate::dropped;
use crate::frame::{self, Places};
use crate::model::{
    BannerModel, DetailsModel, DialogsModel, DownloadsModel, LibraryCache, PartyModel, PeerRows,
    PublishModel, SettingsModel, Source, StatusModel,
};
use crate::notices::Toasts;
use crate::screens::{Scene, details, dialogs, downloads, first_run, library, party, publish, settings};

/// What the window remembers between frames.
#[derive(Debug, Default)]
pub struct WindowState {
    pub screen: Screen,
    /// The game of the details panel.
    pub details_of: Option<GameId>,
    pub question: Option<Question>,
    /// Nobody has chosen a games folder yet.
    pub is_first_run: bool,
    pub toasts: Toasts,
    pub library: library::State,
    pub library_cache: LibraryCache,
    pub peer_rows: PeerRows,
    pub details: details::State,
    pub downloads: downloads::State,
    pub party: party::State,
    pub settings: settings::State,
    pub first_run: first_run::State,
    pub publish: publish::State,
    pub dialogs: dialogs::State,
}

impl WindowState {
    /// Carries out what concerns the window alone; hands back the rest.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is handed back, whatever it is")]
    pub fn apply(&mut self, action: Action) -> Option<Action> {
        match action {
            Action::Navigate(screen) => {
                self.screen = screen;
                self.details_of = None;
                None
            }
            Action::Browse(filter, sort) => {
                (self.screen, self.details_of) = (Screen::Library, None);
                self.library.browse(filter, sort);
                None
            }
            Action::OpenDetails(game) => {
                self.details_of = Some(game);
                None
            }
            Action::CloseDetails => {
                self.details_of = None;
                None
            }
            Action::Ask(question) => {
                self.question = Some(question);
                None
            }
            Action::CloseDialog => {
                self.question = None;
                None
            }
            Action::Dismiss(id) => self.toasts.dismiss(id).map(|id| Action::Command(Command::Dismiss { id })),
            Action::RunChecks => {
                (self.screen, self.details_of) = (Screen::Party, None);
                self.party.open_checks();
                Some(Action::RunChecks)
            }
            Action::AddByAddress => {
                (self.screen, self.details_of) = (Screen::Party, None);
                self.party.open_address();
                None
            }
            Action::ChooseAgain => {
                (self.is_first_run, self.question) = (true, None);
                None
            }
            Action::Drop(paths) => {
                self.drop_on(paths);
                None
            }
            action => Some(action),
        }
    }

    /// An organiser's key is here.
    pub const fn can_publish(&self) -> bool {
        self.publish.organiser.is_some()
    }

    /// What was dropped is to be published, by who may.
    fn drop_on(&mut self, paths: Vec<PathBuf>) {
        self.publish.take_source(paths);
        if self.can_publish() {
            (self.screen, self.details_of) = (Screen::Publish, None);
        } else {
            self.question = Some(Question::Organise);
        }
    }

    /// A folder of the system's dialog; `None` when it was cancelled or there is no dialog.
    pub fn folder_chosen(&mut self, who: FolderFor, folder: Option<PathBuf>) {
        match who {
            FolderFor::FirstRun => self.first_run.folder_chosen(folder),
            FolderFor::Games => self.settings.folder_chosen(folder),
            FolderFor::Publish => self.publish.folder_chosen(folder),
        }
    }
}

/// Draws a frame; answers what a person wants.
pub fn show(
    ui: &mut Ui,
    source: Source<'_>,
    state: &mut WindowState,
    covers: &mut Covers,
    now: Instant,
) -> Vec<Action> {
    covers.receive(ui.ctx());
    state.downloads.history.take(&source.snapshot.status, now);
    let window = ui.ctx().content_rect();
    let ui = &mut ui.new_child(UiBuilder::new().max_rect(window));
    ui.set_clip_rect(window);
    let banner =
        BannerModel::new(source, state.settings.catalog_problem.as_ref().map(|problem| &problem.why));
    let banner = banner.filter(|_| !state.is_first_run);
    let places = Places::of(window, banner.is_some());
    let mut actions = Vec::new();
    frame::grounds(ui, &places);
    let mut scene = Scene { places, covers };
    if state.is_first_run {
        actions.extend(first_run::show(ui, &mut state.first_run));
    } else {
        let status = StatusModel::new(source);
        actions.extend(frame::rail(ui, places.rail, &status, state.screen, state.can_publish()));
        actions.extend(page(ui, &mut scene, source, state, now));
        actions.extend(frame::status_bar(ui, places.status_bar, &status));
        if let (Some(rect), Some(banner)) = (places.banner, &banner) {
            actions.extend(frame::top_banner(ui, rect, banner));
        }
        actions.extend(over(ui, &mut scene, source, state));
        actions.extend(keys(ui, source, state, now));
        actions.extend(dropped::take(ui, window));
    }
    let (action, hovered) = frame::toasts(ui, window, &state.toasts);
    actions.extend(action);
    if let Some(again) = state.toasts.tick(now, hovered) {
        ui.ctx().request_repaint_after(again);
    }
    actions
}

fn page(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    source: Source<'_>,
    state: &mut WindowState,
    now: Instant,
) -> Option<Action> {
    match state.screen {
        Screen::Library => {
            let of = &state.library;
            let model = state.library_cache.get(source, of.filter, of.sort, &of.search);
            library::show(ui, scene, model, &mut state.library)
        }
        Screen::Downloads => {
            let model = DownloadsModel::new(source, &state.downloads.history, now);
            downloads::show(ui, scene, &model, &mut state.downloads)
        }
        Screen::Party => {
            let model = PartyModel::new(source, &mut state.peer_rows, state.party.opened());
            party::show(ui, scene, &model, &mut state.party, now)
        }
        Screen::Settings => {
            let organiser = state.publish.organiser.as_ref();
            settings::show(ui, scene, &SettingsModel::new(source), organiser, &mut state.settings)
        }
        Screen::Publish => {
            let model = PublishModel::new(source, state.publish.form.id().as_ref(), now);
            publish::show(ui, scene, &model, &mut state.publish)
        }
    }
}

/// The details panel and the dialog, over the page.
fn over(ui: &mut Ui, scene: &mut Scene<'_>, source: Source<'_>, state: &mut WindowState) -> Vec<Action> {
    let mut actions = Vec::new();
    keep_focus(ui.ctx(), state);
    if let Some(game) = &state.details_of {
        match DetailsModel::new(source, game) {
            Some(model) => actions.extend(details::show(ui, scene, &model, &mut state.details)),
            None => actions.push(Action::CloseDetails),
        }
    }
    if let Some(question) = &state.question {
        match DialogsModel::new(source, question) {
            Some(model) => actions.extend(dialogs::show(ui, scene, &model, &mut state.dialogs)),
            None => actions.push(Action::CloseDialog),
        }
    }
    actions
}

/// What lies lower loses the focus first and gets it back last.
fn keep_focus(ctx: &egui::Context, state: &mut WindowState) {
    let (has_panel, has_dialog) = (state.details_of.is_some(), state.question.is_some());
    if !has_dialog {
        state.dialogs.below.keep(ctx, false);
    }
    state.details.below.keep(ctx, has_panel);
    if has_dialog {
        state.dialogs.below.keep(ctx, true);
    }
}

/// The keys that work everywhere.
fn keys(ui: &Ui, source: Source<'_>, state: &WindowState, now: Instant) -> Vec<Action> {
    if state.question.is_some() {
        return Vec::new();
    }
    let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    if pressed(Modifiers::COMMAND, Key::P) {
        let model = DownloadsModel::new(source, &state.downloads.history, now);
        return model.all_commands().into_iter().map(Action::Command).collect();
    }
    let screens = [
        (Key::Num1, Screen::Library),
        (Key::Num2, Screen::Downloads),
        (Key::Num3, Screen::Party),
        (Key::Num4, Screen::Settings),
        (Key::Num5, Screen::Publish),
    ];
    let mut there =
        screens.into_iter().filter(|(_, screen)| *screen != Screen::Publish || state.can_publish());
    let screen = there.find(|(key, _)| pressed(Modifiers::COMMAND, *key)).map(|(_, screen)| screen);
    let look = pressed(Modifiers::NONE, Key::F5).then_some(Action::LookAgain);
    let checks = pressed(Modifiers::NONE, Key::F1).then_some(Action::RunChecks);
    screen.map(Action::Navigate).into_iter().chain(look).chain(checks).collect()
}
