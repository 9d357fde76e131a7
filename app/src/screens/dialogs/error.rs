//! What went wrong with a game, and what to do.

use egui::Ui;

use super::{buttons, focus_first, head, text};
use crate::action::Action;
use crate::icon::Icon;
use crate::model::{Card, ErrorModel, Trouble};
use crate::screens::library::intent;
use crate::text::{Common, DialogsText, Format, PeerText};
use crate::theme::Theme;
use crate::widgets::{Bar, Button, ButtonKind, Dialog, Meaning, progress};

pub(super) fn show(ui: &Ui, model: &ErrorModel) -> Option<Action> {
    let words = DialogsText::of(ui.ctx());
    let (icon, title, advice) = about(words, model);
    let why = PeerText::of(ui.ctx()).error(&model.error);
    let outcome = Dialog::new(&title).show(ui, |ui, is_new| {
        head(ui, Meaning::Bad, icon, &title, &format!("{}: {why}", model.card.title));
        if model.trouble == Trouble::NoSpace {
            space(ui, model);
        }
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

/// How full the drive is.
fn space(ui: &mut Ui, model: &ErrorModel) {
    let Some((free, total)) = model.disk else { return };
    let format = Format::of(ui.ctx());
    let said = DialogsText::of(ui.ctx()).free_of(&format.size(free), &format.size(total));
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share to look at")]
    let used = (1.0 - free as f64 / total.max(1) as f64) as f32;
    let width = ui.available_width();
    progress(ui, &said, Bar::Stopped(used), width, 10.0);
    text(ui, &said, Theme::of(ui).text_2);
    ui.add_space(4.0);
}

fn choose(ui: &mut Ui, model: &ErrorModel, is_new: bool) -> Option<Action> {
    let common = Common::of(ui.ctx());
    let again = intent(&Card { state: model.card.untroubled, ..model.card.clone() });
    buttons(ui, |ui| {
        let retry = again.map(|again| {
            let response = Button::primary(common.retry()).show(ui);
            focus_first(&response, is_new);
            (response.clicked(), again)
        });
        let remove = model.trouble == Trouble::NoSpace
            && Button::new(DialogsText::of(ui.ctx()).remove_games()).show(ui).clicked();
        let copy = Button::new(common.copy_report()).icon(Icon::COPY).show(ui).clicked();
        let later = Button::new(common.later()).kind(ButtonKind::Ghost).show(ui).clicked();
        if copy {
            return Some(Action::Copy(format!("{}: {}", model.card.id, model.error.message)));
        }
        if remove {
            return Some(Action::BIGGEST);
        }
        if later {
            return Some(Action::CloseDialog);
        }
        retry.and_then(|(is_clicked, again)| is_clicked.then_some(again))
    })
}
