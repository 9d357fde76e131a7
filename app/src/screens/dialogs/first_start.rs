//! The first start of a game whose files no catalog vouches for.

use egui::Ui;

use super::{buttons, focus_first, head, text};
use crate::action::Action;
use crate::icon::Icon;
use crate::model::FirstStartModel;
use crate::text::{Common, DialogsText};
use crate::theme::Theme;
use crate::widgets::{Button, Dialog, Meaning};

pub(super) fn show(ui: &Ui, model: &FirstStartModel) -> Option<Action> {
    let (words, common) = (DialogsText::of(ui.ctx()), Common::of(ui.ctx()));
    let title = words.first_start_title(&model.title);
    let outcome = Dialog::new(&title).show(ui, |ui, is_new| {
        head(ui, Meaning::Warn, Icon::SHIELD_WARNING, &title, words.first_start_what());
        text(ui, words.first_start_do(), Theme::of(ui).text_2);
        buttons(ui, |ui| {
            let start = Button::primary(words.start_anyway()).icon(Icon::PLAY.fill()).show(ui);
            let later = Button::new(common.not_now()).show(ui);
            focus_first(&later, is_new);
            if start.clicked() {
                return Some(Action::StartUnverified(model.start.clone()));
            }
            later.clicked().then_some(Action::CloseDialog)
        })
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}
