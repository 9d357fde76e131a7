//! What errands bring, and what follows from it: an organiser's key, a catalog file, another games folder.

use std::path::PathBuf;

use lanspread_engine::Command;
use lanspread_peer::api::{PeerCommand, PeerEvent, SettingsChange};
use lanspread_peer::disk::GamesFolder;

use super::Shell;
use super::work::moving::Copied;
use super::work::{Answer, LoadedOrganiser};
use crate::action::{Action, FileFor, Screen, Setting};
use crate::model::{Fault, Moving, SettingsModel, Source};
use crate::notices::Notice;
use crate::settings::Keeper;
use crate::text::{FaultText, NoticeText, PublishText, SettingsText};

impl Shell {
    pub(super) fn take_answer(&mut self, answer: Answer) {
        let text = NoticeText::of(&self.ctx);
        match answer {
            Answer::Folder { who, folder } => self.state.folder_chosen(who, folder),
            Answer::FolderChecked(report) => self.state.first_run.folder_checked(report),
            Answer::Measured(game, size) => self.told.measured = Some((game, size)),
            Answer::SourceLookedAt(report) => self.state.publish.source_looked_at(report),
            Answer::NotOpened(path) => drop(self.state.toasts.add(Notice::bad(text.cannot_open(&path), ""))),
            Answer::FirewallChanged(Ok(())) => self.send(PeerCommand::LookAgain),
            Answer::FirewallChanged(Err(error)) => {
                self.state.toasts.add(Notice::bad(text.firewall_not_changed(), error));
            }
            Answer::Files { who, files } => self.take_files(who, files),
            Answer::OrganiserFound(organiser) => self.state.publish.organiser = Some(organiser),
            Answer::CatalogRead { path, problem: None } => {
                self.state.settings.catalog_problem = None;
                let change = SettingsChange { catalog: Some(path), ..SettingsChange::default() };
                self.set(Setting::Peer(change));
            }
            Answer::CatalogRead { problem, .. } => self.state.settings.catalog_problem = problem,
            Answer::PartyRead(party) => self.state.first_run.party_known(party),
            Answer::Moving(moving) => self.told.moving = Some(moving),
            Answer::Copied(Ok(copied)) => {
                let to = copied.to.clone();
                self.copied = Some(copied);
                self.use_games(to);
            }
            Answer::CleanedUp => self.told.moving = None,
            Answer::Copied(Err(why)) => {
                self.told.moving = None;
                self.tell_fault(SettingsText::of(&self.ctx).not_moved(), &why);
            }
            Answer::OrganiserLoaded(Ok(loaded)) => self.organise(loaded),
            Answer::OrganiserLoaded(Err(why)) => {
                self.tell_fault(PublishText::of(&self.ctx).key_not_loaded(), &why);
            }
        }
    }

    fn tell_fault(&mut self, title: &str, why: &Fault) {
        let why = FaultText::of(&self.ctx).fault(why);
        self.state.toasts.add(Notice::bad(title, why));
    }

    fn take_files(&mut self, who: FileFor, files: Vec<PathBuf>) {
        let Some(first) = files.first().cloned() else { return };
        match who {
            FileFor::Archives => self.state.publish.take_source(files),
            FileFor::Cover => self.state.publish.cover_chosen(first),
            FileFor::OrganiserKey => {
                if let Some(catalog) = self.catalog().or_else(|| self.own_catalog()) {
                    self.errands.load_organiser(catalog, first);
                }
            }
            FileFor::Catalog => {
                self.errands.read_catalog(first);
            }
        }
    }

    /// This PC is the organiser's from now on: its catalog and key are the ones in force here.
    fn organise(&mut self, loaded: LoadedOrganiser) {
        let LoadedOrganiser { organiser, has_catalog } = loaded;
        let words = PublishText::of(&self.ctx);
        let notice = Notice::good(words.key_loaded(&organiser.public.words()), words.can_publish_now());
        self.state.toasts.add(notice);
        self.settings.organiser_key = Some(organiser.key.clone());
        if has_catalog {
            let catalog = Some(organiser.catalog.clone());
            self.set(Setting::Peer(SettingsChange { catalog, ..SettingsChange::default() }));
        } else {
            self.save();
        }
        self.send(PeerCommand::Engine(Command::Trust { key: organiser.public }));
        self.state.publish.organiser = Some(organiser);
        if self.state.publish.has_source() {
            drop(self.state.apply(Action::Navigate(Screen::Publish)));
        }
    }

    /// The catalog file in use.
    pub(super) fn catalog(&self) -> Option<PathBuf> {
        self.args.catalog.clone().or_else(|| self.settings.catalog.clone())
    }

    pub(super) fn own_catalog(&self) -> Option<PathBuf> {
        let beside_games = || {
            let ready = self.snapshot.ready.as_ref()?;
            Some(GamesFolder::new(&ready.games_dir).state().join("organiser").join("catalog.ron"))
        };
        self.keeper.as_ref().and_then(Keeper::own_catalog).or_else(beside_games)
    }

    /// Another games folder; the peer says whether it takes it.
    pub(super) fn use_games(&mut self, folder: PathBuf) {
        let change = SettingsChange { games: Some(folder), ..SettingsChange::default() };
        if !self.try_send(PeerCommand::Set(change)) {
            self.give_up_move();
        }
    }

    /// What has begun since the question was asked would be cut off, and the peer would refuse the folder at the end.
    pub(super) fn move_games(&mut self, to: PathBuf) {
        if SettingsModel::new(Source { snapshot: &self.snapshot, told: &self.told }).is_busy {
            let words = SettingsText::of(&self.ctx);
            self.state.toasts.add(Notice::warn(words.not_moved(), words.folder_busy()));
            return;
        }
        if let Some(ready) = &self.snapshot.ready {
            self.told.moving = Some(Moving::default());
            self.errands.copy_games(ready.games_dir.clone().into(), to);
        }
    }

    /// The new folder is in use: that is kept, and what was copied is no longer needed in the old one.
    pub(super) fn follow_move(&mut self, event: &PeerEvent) {
        let PeerEvent::GamesFolderChanged { games_dir } = event else { return };
        self.settings.games = Some(games_dir.clone());
        self.args.games = Some(games_dir.clone());
        self.save();
        let Some(copied) = self.copied.take() else { return };
        self.follow_organiser(&copied);
        // Another move would find files that are about to go: it waits for the clean-up.
        self.errands.clean_up(copied, Copied::remove_old);
        let words = SettingsText::of(&self.ctx);
        let notice = Notice::good(words.moved(), words.moved_to(&games_dir.display().to_string()));
        self.state.toasts.add(notice);
    }

    /// On a stick an organiser's catalog and key lie with the games.
    fn follow_organiser(&mut self, copied: &Copied) {
        let moved = |path: &mut Option<PathBuf>| {
            let rest = path.as_ref().and_then(|path| path.strip_prefix(&copied.from).ok());
            if let Some(there) = rest.map(|rest| copied.to.join(rest)) {
                *path = Some(there);
            }
        };
        for path in [&mut self.settings.catalog, &mut self.settings.organiser_key, &mut self.args.catalog] {
            moved(path);
        }
        self.save();
    }

    /// The new folder was refused, or the peer that was asked is gone: all stays as it was.
    pub(super) fn give_up_move(&mut self) {
        if let Some(copied) = self.copied.take() {
            self.errands.clean_up(copied, Copied::remove_new);
        }
    }
}
