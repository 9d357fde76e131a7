//! The downloads: what runs, what waits, what needs attention.

use egui::Ui;

use super::Scene;
use crate::action::Action;
use crate::frame::page_title;
use crate::model::DownloadsModel;
use crate::text::Common;

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {}

pub fn show(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    _model: &DownloadsModel,
    _state: &mut State,
) -> Option<Action> {
    page_title(ui, &scene.places, Common::of(ui.ctx()).downloads());
    None
}
