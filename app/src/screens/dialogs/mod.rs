//! The questions before something changes.

use egui::Ui;

use super::Scene;
use crate::action::Action;
use crate::model::DialogsModel;
use crate::text::Common;
use crate::widgets::{Button, Dialog};

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {}

pub fn show(ui: &mut Ui, _scene: &mut Scene<'_>, model: &DialogsModel, _state: &mut State) -> Option<Action> {
    let text = Common::of(ui.ctx());
    let outcome = Dialog::new("Question").show(ui, |ui, _is_new| {
        ui.label(format!("{:?}", model.question));
        Button::new(text.not_now()).show(ui).clicked()
    });
    (outcome.inner || outcome.escaped).then_some(Action::CloseDialog)
}
