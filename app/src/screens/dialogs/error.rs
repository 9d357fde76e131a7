//! What went wrong with a game, and what to do.

use egui::Ui;

use super::{buttons, focus_first, head, text};
use crate::action::Action;
use crate::icon::Icon;
use crate::model::{Card, ErrorModel, Trouble};
use crate::screens::library::intent;
use crate::text::{Common, DialogsText};
use crate::theme::Theme;
use crate::widgets::{Button, ButtonKind, Dialog, Meaning};

pub(super) fn show(ui: &Ui, model: &ErrorModel) -> Option<Action> {
    let words = DialogsText::of(ui.ctx());
    let (icon, title, advice) = about(words, model);
    let outcome = Dialog::new(&title).show(ui, |ui, is_new| {
        head(ui, Meaning::Bad, icon, &title, &format!("{}: {}", model.card.title, model.message));
        text(ui, advice, Theme::of(ui).text_2);
        choose(ui, model, is_new)
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}

fn about(words: DialogsText, model: &ErrorModel) -> (Icon, String, &'static str) {
    match model.trouble {
        Trouble::NoSpace => {
            let title = model.place.as_ref().map(|place| words.drive_full_of(place));
            let title = title.unwrap_or_else(|| words.drive_full().to_owned());
            (Icon::HARD_DRIVE, title, words.do_free_space())
        }
        Trouble::CannotWrite => {
            (Icon::SHIELD_WARNING, words.cannot_write().to_owned(), words.do_check_folder())
        }
        Trouble::NoSource => (Icon::CLOUD_SLASH, words.nobody_has_it().to_owned(), words.do_wait()),
        Trouble::GameRuns => (Icon::GAME_CONTROLLER, words.game_runs().to_owned(), words.do_quit_game()),
        Trouble::NotAsExpected => {
            (Icon::SEAL_WARNING, words.not_as_expected().to_owned(), words.do_ask_organiser())
        }
        Trouble::Other => (Icon::WARNING_CIRCLE, words.failed(&model.card.title), words.do_try_again()),
    }
}

fn choose(ui: &mut Ui, model: &ErrorModel, is_new: bool) -> Option<Action> {
    let common = Common::of(ui.ctx());
    let again = intent(&Card { state: model.untroubled, ..model.card.clone() });
    buttons(ui, |ui| {
        let retry = again.map(|again| {
            let response = Button::primary(common.retry()).show(ui);
            focus_first(&response, is_new);
            (response.clicked(), again)
        });
        let copy = Button::new(common.copy_report()).icon(Icon::COPY).show(ui).clicked();
        let later = Button::new(common.later()).kind(ButtonKind::Ghost).show(ui).clicked();
        if copy {
            return Some(Action::Copy(format!("{}: {}", model.card.id, model.message)));
        }
        if later {
            return Some(Action::CloseDialog);
        }
        retry.and_then(|(is_clicked, again)| is_clicked.then_some(again))
    })
}
