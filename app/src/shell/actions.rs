//! Carries out what the window asks for.

use std::path::{Path, PathBuf};

use egui::ViewportCommand;
use lanspread_engine::Command;
use lanspread_peer::api::{PeerCommand, PublishRequest};
use lanspread_peer::disk::GamesFolder;
use lanspread_protocol::{GameId, Version};

use super::peer::Begin;
use super::setup::Setup;
use super::{Shell, told};
use crate::action::{Action, Question, Screen, Setting, Start};
use crate::model::{QuitModel, Source, report, start_command};
use crate::notices::Notice;
use crate::text::{NoticeText, PartyText, SettingsText};

impl Shell {
    pub(super) fn act(&mut self, action: Action) {
        if action.needs_games_in_place() && self.told.moving.is_some() {
            let text = SettingsText::of(&self.ctx);
            self.state.toasts.add(Notice::warn(text.folder_moving(), text.after_the_move()));
            return;
        }
        if let Action::Ask(question) = &action {
            self.look_up(question);
        } else if let Action::OpenDetails(game) = &action {
            self.measure_update(game.clone());
        }
        let Some(action) = self.state.apply(action) else { return };
        match action {
            Action::Command(command) => self.command(command),
            Action::Play(game) => self.start(Start::play(game)),
            Action::Start(start) => self.start(start),
            Action::StartUnverified(start) => self.start_unverified(start),
            Action::FollowParty => self.follow_party(),
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
                    let folder = Path::new(&ready.games_dir).join(game.as_str());
                    self.errands.open(folder);
                }
            }
            Action::CheckFolder(path) => self.errands.check_folder(path),
            Action::ChooseFolder(who) => self.errands.choose_folder(who),
            Action::Copy(text) => self.copy(text),
            Action::ClearFinished => self.told.finished.clear(),
            Action::Restart => self.restart(),
            Action::Quit => {
                self.is_leaving = true;
                self.ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Action::Begin { name, games } => self.begin(name, games),
            Action::LookAgain => {
                drop(self.state.apply(Action::Navigate(Screen::Party)));
                self.send(PeerCommand::LookAgain);
            }
            // The facts are in the snapshot at all times; looking again makes new ones.
            Action::RunChecks => self.send(PeerCommand::LookAgain),
            Action::AllowInFirewall(parameters) => self.errands.allow_in_firewall(parameters),
            // What concerns the window alone was carried out above.
            Action::Navigate(_)
            | Action::OpenDetails(_)
            | Action::CloseDetails
            | Action::Ask(_)
            | Action::CloseDialog
            | Action::Drop(_)
            | Action::Browse(..)
            | Action::ChooseAgain
            | Action::AddByAddress
            | Action::Dismiss(_) => {}
        }
    }

    /// What a question shows and nobody counts before.
    fn look_up(&mut self, question: &Question) {
        if let Question::Remove { game, .. } = question {
            self.measure(game);
        } else if let Question::Update(game) = question {
            self.measure_update(game.clone());
        }
    }

    /// Counts what an update would fetch, if there is one. The answer is in a later snapshot.
    fn measure_update(&mut self, game: GameId) {
        let source = Source { snapshot: &self.snapshot, told: &self.told };
        let is_due = source.is_connected() && source.game(&game).is_some_and(|game| game.update_available);
        if is_due {
            self.send(PeerCommand::Engine(Command::MeasureUpdate { game }));
        }
    }

    fn measure(&self, game: &GameId) {
        let source = Source { snapshot: &self.snapshot, told: &self.told };
        let (Some(ready), Some(view)) = (&self.snapshot.ready, source.game(game)) else { return };
        if view.installed {
            let folder = GamesFolder::new(&ready.games_dir).game(game);
            let keep = view.entry.as_ref().map(|entry| entry.keep.clone()).unwrap_or_default();
            self.errands.measure(game.clone(), folder, keep);
        }
    }

    fn command(&mut self, command: Command) {
        if let Command::Trust { key } = &command {
            // On a stick it counts more than the stick's own from now on.
            self.settings.organiser = Some(*key);
            self.save();
        }
        self.send(PeerCommand::Engine(command));
    }

    /// What was asked of the peer that ran is asked no more.
    fn restart(&mut self) {
        self.give_up_move();
        told::publishes_are_cut(&mut self.told);
        self.configure_peer();
        self.peer.restart();
    }

    /// Goes on with the party's catalog, without the file that was chosen.
    fn follow_party(&mut self) {
        (self.settings.catalog, self.args.catalog) = (None, None);
        self.state.settings.catalog_problem = None;
        self.save();
        self.give_up_move();
        self.configure_peer();
        self.peer.start_without_catalog();
    }

    /// The folder, the name and the limits may be others than when the peer was started.
    fn configure_peer(&mut self) {
        if let Some(setup) = self.setup() {
            self.peer.configure(setup);
        }
    }

    /// What a peer starts with, as it is chosen now.
    pub(super) fn setup(&self) -> Option<Setup> {
        Some(Setup::of(self.args.peer_config()?, &self.settings))
    }

    /// The first form was filled in.
    fn begin(&mut self, name: String, games: PathBuf) {
        self.settings.games = Some(games.clone());
        self.settings.name = Some(name);
        self.save();
        self.args.games = Some(games);
        if let Some(setup) = self.setup() {
            self.peer.start(Begin::NewFolder(setup));
            self.state.is_first_run = false;
        }
    }

    /// Asks first while something runs. Else the window goes at once, and nothing that is seen waits for the peer.
    pub(super) fn leave(&mut self) {
        let model = QuitModel::new(Source { snapshot: &self.snapshot, told: &self.told });
        if model.is_to_be_asked() && !self.is_leaving {
            self.ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.state.question = Some(Question::Quit);
            return;
        }
        self.ctx.send_viewport_cmd(ViewportCommand::Visible(false));
        self.settings.window = self.desk.place();
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
    fn start(&mut self, start: Start) {
        if self.is_to_be_asked(&start.game) {
            drop(self.state.apply(Action::Ask(Question::FirstStart(start))));
        } else {
            self.run(start);
        }
    }

    fn is_to_be_asked(&self, game: &GameId) -> bool {
        self.unverified(game).is_some_and(|version| self.settings.started.get(game) != Some(&version))
    }

    fn start_unverified(&mut self, start: Start) {
        if let Some(version) = self.unverified(&start.game) {
            self.settings.started.insert(start.game.clone(), version);
            self.save();
        }
        self.run(start);
    }

    /// The version that is here of a game that the catalog does not pin.
    fn unverified(&self, game: &GameId) -> Option<Version> {
        let source = Source { snapshot: &self.snapshot, told: &self.told };
        let view = source.game(game)?;
        let is_pinned = view.entry.as_ref()?.manifest.is_some();
        view.installed_version.clone().or_else(|| view.expected.clone()).filter(|_| !is_pinned)
    }

    fn run(&mut self, start: Start) {
        let command = start_command(Source { snapshot: &self.snapshot, told: &self.told }, start);
        self.send(PeerCommand::Engine(command));
    }

    fn add_peer(&mut self, address: &str) {
        match address.parse::<lanspread_peer::api::PeerAddress>() {
            Ok(address) => {
                let addresses = address.socket_addrs();
                self.send(PeerCommand::Engine(Command::Connect { addresses }));
            }
            Err(error) => {
                let why = PartyText::of(&self.ctx).wrong_address(&error);
                self.state.toasts.add(Notice::bad(why, ""));
            }
        }
    }

    pub(super) fn set(&mut self, setting: Setting) {
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
            Setting::Adapter(adapter) => {
                self.settings.adapter = adapter;
                if let Some(setup) = self.setup() {
                    self.give_up_move();
                    self.peer.start(Begin::Folder(setup));
                }
            }
            Setting::Peer(change) => {
                self.settings.change(&change);
                self.send(PeerCommand::Set(change));
            }
        }
        self.save();
    }

    /// Shows and keeps what is chosen now.
    pub(super) fn save(&mut self) {
        self.state.settings.chosen = self.settings.clone();
        if let Some(keeper) = &self.keeper {
            keeper.save(&self.settings);
        }
    }
}
