//! Questions of the settings: another games folder, and whose catalog to trust.

use egui::Ui;
use lanspread_engine::Command;

use super::{buttons, focus_first, head, line, text};
use crate::action::Action;
use crate::icon::Icon;
use crate::model::{MoveModel, TrustModel};
use crate::text::{Common, Format, SettingsText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, Dialog, Meaning, label};

pub(super) fn move_games(ui: &Ui, model: &MoveModel) -> Option<Action> {
    let (words, common) = (SettingsText::of(ui.ctx()), Common::of(ui.ctx()));
    let title = words.move_title(&Format::of(ui.ctx()).size(model.bytes));
    let outcome = Dialog::new(&title).show(ui, |ui, is_new| {
        let what = words.move_what(&model.to.display().to_string());
        head(ui, Meaning::Good, Icon::FOLDER_OPEN, &title, &what);
        buttons(ui, |ui| {
            let go = Button::primary(words.move_it()).show(ui);
            focus_first(&go, is_new);
            let as_is = Button::new(words.use_as_it_is()).show(ui);
            let cancel = Button::new(common.cancel()).kind(ButtonKind::Ghost).show(ui);
            if go.clicked() {
                return Some(Action::MoveGames(model.to.clone()));
            }
            if as_is.clicked() {
                return Some(Action::UseGames(model.to.clone()));
            }
            cancel.clicked().then_some(Action::CloseDialog)
        })
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}

pub(super) fn trust(ui: &Ui, model: &TrustModel) -> Option<Action> {
    let (words, common) = (SettingsText::of(ui.ctx()), Common::of(ui.ctx()));
    let title = words.trust_title(&model.offered.party);
    let outcome = Dialog::new(&title).show(ui, |ui, is_new| {
        let theme = Theme::of(ui);
        head(ui, Meaning::Good, Icon::SEAL_CHECK, &title, words.trust_what());
        text(ui, words.trust_key(), theme.text_2);
        label(ui, &model.offered.words, theme::bold(theme::SECTION), theme.text_1);
        ui.add_space(8.0);
        line(ui, Meaning::Good, Icon::DESKTOP, &words.trust_pcs(model.offered.peers));
        if model.replaces {
            line(ui, Meaning::Warn, Icon::WARNING, words.trust_replaces());
        }
        buttons(ui, |ui| {
            let trust = Button::primary(words.trust_it()).icon(Icon::SEAL_CHECK).show(ui);
            let later = Button::new(common.not_now()).show(ui);
            // Whom to trust is no question for a quick Enter.
            focus_first(&later, is_new);
            if trust.clicked() {
                return Some(Action::Command(Command::Trust { key: model.offered.key }));
            }
            later.clicked().then_some(Action::CloseDialog)
        })
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}
