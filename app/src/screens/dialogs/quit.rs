//! The question before closing while something is under way.

use egui::Ui;

use super::{buttons, focus_first, head};
use crate::action::Action;
use crate::icon::Icon;
use crate::model::QuitModel;
use crate::text::DialogsText;
use crate::widgets::{Button, Dialog, Meaning};

pub(super) fn show(ui: &Ui, model: &QuitModel) -> Option<Action> {
    let words = DialogsText::of(ui.ctx());
    let below = if model.downloads > 0 { words.goes_on_next_time() } else { words.undone_or_finished() };
    let outcome = Dialog::new(words.quit_title()).show(ui, |ui, is_new| {
        let line = if model.is_moving {
            words.games_move().to_owned()
        } else {
            format!("{} {below}", words.under_way(model.operations))
        };
        head(ui, Meaning::Warn, Icon::WARNING, words.quit_title(), &line);
        buttons(ui, |ui| {
            let stay = Button::primary(words.stay()).show(ui);
            focus_first(&stay, is_new);
            let quit = Button::new(words.quit()).show(ui).clicked();
            if quit { Some(Action::Quit) } else { stay.clicked().then_some(Action::CloseDialog) }
        })
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}
