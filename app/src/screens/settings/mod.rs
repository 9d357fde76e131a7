//! The settings.

use std::path::PathBuf;

use egui::Ui;

use super::Scene;
use crate::action::Action;
use crate::frame::page_title;
use crate::model::SettingsModel;
use crate::text::Common;

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {
    folder: Option<PathBuf>,
}

impl State {
    /// The answer of the system's dialog; `None` when it was cancelled or there is none.
    pub fn folder_chosen(&mut self, folder: Option<PathBuf>) {
        self.folder = folder;
    }
}

pub fn show(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    _model: &SettingsModel,
    _state: &mut State,
) -> Option<Action> {
    page_title(ui, &scene.places, Common::of(ui.ctx()).settings());
    None
}
