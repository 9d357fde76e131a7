//! Before an update: what comes, what stays.

use egui::{Sense, Ui, vec2};
use lanspread_engine::Command;

use super::{buttons, focus_first, line, listed, text};
use crate::action::Action;
use crate::cover::{CoverKey, Covers};
use crate::icon::Icon;
use crate::model::UpdateModel;
use crate::screens::library::picture;
use crate::text::{Common, DialogsText, Format};
use crate::theme::{self, Theme};
use crate::widgets::{Bar, Button, ButtonKind, Dialog, Meaning, draw_icon, progress, tag};

pub(super) fn show(ui: &Ui, covers: &mut Covers, model: &UpdateModel) -> Option<Action> {
    let words = DialogsText::of(ui.ctx());
    let title = words.update_title(&model.card.title);
    let outcome = Dialog::new(&title).show(ui, |ui, is_new| {
        head(ui, covers, model, &title);
        ui.add_space(8.0);
        amount(ui, model);
        ui.add_space(4.0);
        ui.separator();
        lines(ui, model);
        choose(ui, model, is_new)
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}

fn head(ui: &mut Ui, covers: &mut Covers, model: &UpdateModel, title: &str) {
    let theme = Theme::of(ui);
    let words = DialogsText::of(ui.ctx());
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(60.0, 80.0), Sense::hover());
        let key = CoverKey { game: model.card.id.clone(), file: model.card.cover.clone() };
        picture(ui, covers, rect, &key, &model.card.title);
        ui.add_space(8.0);
        ui.vertical(|ui| {
            ui.add_space(10.0);
            let title = egui::RichText::new(title).font(theme::bold(theme::TITLE)).color(theme.text_1);
            ui.add(egui::Label::new(title).truncate());
            ui.horizontal(|ui| {
                if let Some(from) = &model.from {
                    tag(ui, Meaning::Neutral, None, &words.on_this_pc(from));
                    let (rect, _) = ui.allocate_exact_size(vec2(16.0, 22.0), Sense::hover());
                    draw_icon(ui.painter(), rect.center(), Icon::ARROW_RIGHT, theme::ICON, theme.text_2);
                }
                if let Some(to) = &model.to {
                    tag(ui, Meaning::Good, None, &words.at_the_party(to));
                }
            });
        });
    });
}

fn amount(ui: &mut Ui, model: &UpdateModel) {
    let theme = Theme::of(ui);
    let (words, format) = (DialogsText::of(ui.ctx()), Format::of(ui.ctx()));
    let Some((done, total)) = model.progress else {
        text(ui, words.only_changes(), theme.text_2);
        return;
    };
    let left = total.saturating_sub(done);
    let said = if left == 0 {
        words.all_is_here(&format.size(total))
    } else {
        words.rest_is_here(&format.size(left), &format.size(total))
    };
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share to look at")]
    let share = (done as f64 / total.max(1) as f64) as f32;
    let width = ui.available_width();
    progress(ui, &said, Bar::Both(share), width, 10.0);
    text(ui, &said, theme.text_1);
}

fn lines(ui: &mut Ui, model: &UpdateModel) {
    let words = DialogsText::of(ui.ctx());
    if let Some(why) = hindrance(ui, model) {
        line(ui, Meaning::Bad, Icon::WARNING_CIRCLE, &why);
    }
    if let Some(secs) = model.secs {
        let span = Format::of(ui.ctx()).span(secs);
        line(ui, Meaning::Neutral, Icon::TIMER, &words.takes_about(&span));
    } else if model.is_ready {
        line(ui, Meaning::Neutral, Icon::TIMER, words.takes_a_moment());
    }
    if !model.receivers.is_empty() {
        let pauses = words.sending_pauses(model.receivers.len(), &listed(&model.receivers));
        line(ui, Meaning::Leaving, Icon::PAUSE_CIRCLE, &pauses);
    }
    if model.keep.is_empty() {
        line(ui, Meaning::Warn, Icon::WARNING, words.nothing_kept());
    } else {
        line(ui, Meaning::Good, Icon::FLOPPY_DISK, &words.saves_stay(&model.keep.join(", ")));
    }
    if let Some(from) = &model.from {
        line(ui, Meaning::Neutral, Icon::ARROW_U_UP_LEFT, &words.old_stays(from));
    }
}

fn hindrance(ui: &Ui, model: &UpdateModel) -> Option<String> {
    let words = DialogsText::of(ui.ctx());
    if model.is_running {
        return Some(words.is_running(&model.card.title));
    }
    let missing = Format::of(ui.ctx()).size(model.missing_space?);
    Some(match &model.place {
        Some(place) => words.missing_space_on(&missing, place),
        None => words.missing_space(&missing),
    })
}

fn choose(ui: &mut Ui, model: &UpdateModel, is_new: bool) -> Option<Action> {
    let words = DialogsText::of(ui.ctx());
    let why = hindrance(ui, model);
    let not_now = Common::of(ui.ctx()).not_now();
    buttons(ui, |ui| {
        let button =
            Button::new(words.update_now()).kind(ButtonKind::Primary).icon(Icon::ARROWS_CLOCKWISE.bold());
        let now = button.disabled(why.as_deref()).show(ui);
        let later = Button::new(not_now).show(ui);
        focus_first(if why.is_none() { &now } else { &later }, is_new);
        if now.clicked() {
            return Some(Action::Command(Command::Update { game: model.card.id.clone() }));
        }
        later.clicked().then_some(Action::CloseDialog)
    })
}
