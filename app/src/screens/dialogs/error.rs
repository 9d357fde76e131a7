//! What went wrong with a game, and what to do.

use egui::{Align, Align2, CornerRadius, Layout, Rect, Role, Sense, Ui, WidgetInfo, vec2};
use lanspread_peer::api::DiskSpace;

use super::{buttons, focus_first, head, text};
use crate::action::Action;
use crate::icon::Icon;
use crate::model::{Card, ErrorModel, Trouble};
use crate::screens::library::intent;
use crate::text::{Common, DialogsText, Format, PeerText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, ButtonSize, Dialog, Meaning, draw_text, icon_button, share};

pub(super) fn show(ui: &Ui, model: &ErrorModel) -> Option<Action> {
    let words = DialogsText::of(ui.ctx());
    let (icon, title, advice) = about(words, model);
    let space = model.disk.filter(|_| model.trouble == Trouble::NoSpace);
    let outcome = Dialog::new(&title).show(ui, |ui, is_new| {
        let what = space.and_then(|disk| too_little(ui, model, disk));
        let what = what.unwrap_or_else(|| {
            format!("{}: {}", model.card.title, PeerText::of(ui.ctx()).error(&model.error))
        });
        head(ui, Meaning::Bad, icon, &title, &what);
        if let Some(disk) = space {
            show_space(ui, model, disk);
        }
        let biggest = model.biggest.as_ref().filter(|_| space.is_some());
        match biggest.map(|biggest| (biggest, Format::of(ui.ctx()).size(biggest.bytes))) {
            Some((biggest, size)) if biggest.is_played => {
                text(ui, &words.biggest(&biggest.title, &size), Theme::of(ui).text_2);
            }
            Some((biggest, size)) => {
                text(ui, &words.biggest_unplayed(&biggest.title, &size), Theme::of(ui).text_2);
            }
            None => text(ui, advice, Theme::of(ui).text_2),
        }
        choose(ui, model, is_new)
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}

/// What does not fit, in numbers.
fn too_little(ui: &Ui, model: &ErrorModel, disk: DiskSpace) -> Option<String> {
    let (free, format) = (disk.free_bytes, Format::of(ui.ctx()));
    let (needed, free) = (format.size(free.saturating_add(model.missing_space?)), format.size(free));
    Some(DialogsText::of(ui.ctx()).needs_more(&model.card.title, &needed, &free))
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

/// How full the drive is, and what is missing at its end.
fn show_space(ui: &mut Ui, model: &ErrorModel, disk: DiskSpace) {
    let (theme, format) = (Theme::of(ui), Format::of(ui.ctx()));
    let words = DialogsText::of(ui.ctx());
    let said = words.free_of(&format.size(disk.free_bytes), &format.size(disk.total_bytes));
    let missing = model.missing_space;
    let used = share(disk.total_bytes.saturating_sub(disk.free_bytes), disk.total_bytes);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 10.0), Sense::hover());
    let missing_words = missing.map(|missing| words.missing(&format.size(missing)));
    let name = [said.as_str()].into_iter().chain(missing_words.as_deref()).collect::<Vec<_>>().join(", ");
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    let piece = |left: f32, right: f32, color| {
        let rect = Rect::from_x_y_ranges(left..=right, rect.y_range());
        ui.painter().rect_filled(rect, CornerRadius::same(5), color);
    };
    piece(rect.left(), rect.right(), theme.surface_3);
    let end = missing.map_or(rect.right(), |missing| {
        // However little it is, it is seen.
        rect.right() - (rect.width() * share(missing, disk.total_bytes)).clamp(13.0, rect.width() / 2.0)
    });
    piece(rect.left(), (rect.left() + rect.width() * used).min(end), theme.text_3);
    if missing.is_some() {
        ui.painter().rect_filled(rect.with_min_x(end - 2.0), 0, theme.surface_1);
        piece(end, rect.right(), theme.bad);
    }
    let (line, _) = ui.allocate_exact_size(vec2(rect.width(), 18.0), Sense::hover());
    let font = theme::regular(theme::META);
    draw_text(ui.painter(), line.left_center(), Align2::LEFT_CENTER, &said, font.clone(), theme.text_2);
    if let Some(missing) = missing_words {
        draw_text(ui.painter(), line.right_center(), Align2::RIGHT_CENTER, missing, font, theme.bad);
    }
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
        let remove =
            model.trouble == Trouble::NoSpace && Button::new(common.remove_games()).show(ui).clicked();
        let later = Button::new(common.later()).kind(ButtonKind::Ghost).show(ui).clicked();
        let copy = ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            icon_button(ui, Icon::COPY, common.copy_report(), ButtonKind::Ghost, ButtonSize::Normal).clicked()
        });
        let copy = copy.inner;
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
