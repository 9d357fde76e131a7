//! The first run: a name and a games folder.

use std::path::PathBuf;

use egui::Ui;

use super::Scene;
use crate::action::Action;
use crate::model::FirstRunModel;

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
    _ui: &mut Ui,
    _scene: &mut Scene<'_>,
    _model: &FirstRunModel,
    _state: &mut State,
) -> Option<Action> {
    None
}
