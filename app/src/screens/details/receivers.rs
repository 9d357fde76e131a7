//! Below the sources: to whom this PC sends the game, and how fast.

use egui::{Align2, Id, Pos2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::rates::{Rates, history};
use super::say;
use crate::icon::Icon;
use crate::model::{DetailsModel, ReceiverRow};
use crate::text::{DetailsText, Format};
use crate::theme::{self, Theme};
use crate::widgets::{avatar_at, draw_icon, elided, text_width};

const ROW: f32 = 40.0;

/// Answers where the list ends.
pub(super) fn show(ui: &Ui, at: Pos2, width: f32, model: &DetailsModel, rates: &Rates) -> f32 {
    if model.receivers.is_empty() {
        return at.y;
    }
    let (theme, text, format) = (Theme::of(ui), DetailsText::of(ui.ctx()), Format::of(ui.ctx()));
    let at = pos2(at.x, at.y + 28.0);
    let title = match &model.sent_version {
        Some(version) => text.sending_version(version),
        None => text.sending().to_owned(),
    };
    say(ui, at, Align2::LEFT_CENTER, &title, theme::medium(theme::BODY), theme.text_1);
    let total: u64 = model.receivers.iter().filter_map(|row| row.rate).sum();
    if total > 0 {
        let rate = format.rate(total);
        let font = theme::medium(theme::DENSE);
        let right = pos2(at.x + width, at.y);
        let left = text_width(ui.painter(), &rate, font.clone()) + 11.0;
        say(ui, right, Align2::RIGHT_CENTER, &rate, font, theme.leaving);
        draw_icon(ui.painter(), right - vec2(left, 0.0), Icon::ARROW_UP.bold(), 14.0, theme.leaving);
    }
    let mut y = at.y + 18.0;
    ui.painter().hline(at.x..=at.x + width, y, theme.line_stroke());
    for row in &model.receivers {
        receiver(ui, Rect::from_min_size(pos2(at.x, y), vec2(width, ROW)), row, rates);
        y += ROW;
    }
    y
}

fn receiver(ui: &Ui, rect: Rect, row: &ReceiverRow, rates: &Rates) {
    let (theme, format) = (Theme::of(ui), Format::of(ui.ctx()));
    let rate = row.rate.map(|rate| format.rate(rate));
    let response = ui.interact(rect, Id::unique("details-receiver").with(row.peer.0), Sense::hover());
    let words = DetailsText::of(ui.ctx()).sent_to(&row.name, rate.as_deref().unwrap_or_default());
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, words.trim_end_matches([',', ' '])));
    let y = rect.center().y;
    avatar_at(ui.painter(), pos2(rect.left() + 14.0, y), &row.name, 28.0);
    let name = elided(ui.painter(), &row.name, theme::medium(theme::DENSE), theme.text_1, 180.0);
    ui.painter().galley(pos2(rect.left() + 40.0, y - name.size().y / 2.0), name, theme.text_1);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, theme.line_stroke());
    let right = pos2(rect.right(), y);
    if let Some(rate) = rate {
        let plot = Rect::from_min_size(pos2(rect.right() - 174.0, y - 10.0), vec2(96.0, 20.0));
        history(ui, plot, rates, row.peer, theme.leaving);
        let font = theme::medium(theme::DENSE);
        ui.painter().text(right, Align2::RIGHT_CENTER, rate, font, theme.text_1);
    } else {
        ui.painter().text(right, Align2::RIGHT_CENTER, "—", theme::regular(theme::DENSE), theme.text_3);
    }
}
