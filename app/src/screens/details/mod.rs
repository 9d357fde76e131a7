//! The panel with everything about one game.

use egui::Ui;

use super::Scene;
use crate::action::Action;
use crate::model::DetailsModel;
use crate::theme::{self, Theme};
use crate::widgets::draw_text;

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {}

pub fn show(ui: &mut Ui, scene: &mut Scene<'_>, model: &DetailsModel, _state: &mut State) -> Option<Action> {
    let theme = Theme::of(ui);
    let page = scene.places.page;
    draw_text(
        ui.painter(),
        page.center(),
        egui::Align2::CENTER_CENTER,
        &model.card.title,
        theme::bold(theme::HERO),
        theme.text_1,
    );
    ui.input(|input| input.key_pressed(egui::Key::Escape)).then_some(Action::CloseDetails)
}
