//! The left column: what the game is, and what of it is here.

use egui::{Align2, Color32, Pos2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{LEFT_COLUMN, say};
use crate::icon::Icon;
use crate::model::DetailsModel;
use crate::text::{Common, DetailsText, Format, Language};
use crate::theme::{self, Theme};
use crate::widgets::{Meaning, elided, tag, wrapped};

const ROW: f32 = 30.0;
const VALUE: f32 = 104.0;

/// Answers where the column ends.
pub(super) fn show(ui: &mut Ui, at: Pos2, model: &DetailsModel) -> f32 {
    let theme = Theme::of(ui);
    let mut y = at.y;
    if let Some(description) = model.description(Language::of(ui.ctx()).code()) {
        let font = theme::regular(theme::BODY);
        let lines = wrapped(ui.painter(), description, font, theme.text_2, LEFT_COLUMN, 21.0);
        let rect = Rect::from_min_size(pos2(at.x, y), lines.size());
        ui.painter().galley(rect.min, lines, theme.text_2);
        let response = ui.interact(rect, egui::Id::unique("details-description"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, description));
        y = rect.bottom() + 14.0;
    }
    for (name, value) in rows(ui, model) {
        let is_here = name == DetailsText::of(ui.ctx()).on_this_pc();
        row(ui, pos2(at.x, y), name, &value, is_here && model.is_outdated);
        y += ROW;
    }
    y
}

fn rows(ui: &Ui, model: &DetailsModel) -> Vec<(&'static str, String)> {
    let text = DetailsText::of(ui.ctx());
    let card = &model.card;
    let here = match (&model.version_here, card.is_installed) {
        (Some(version), true) => version.clone(),
        (None, true) => text.here().to_owned(),
        (Some(version), false) => text.downloaded(version),
        (None, false) if model.is_fetching => text.not_installed_yet().to_owned(),
        (None, false) => text.nothing_here().to_owned(),
    };
    let players = card.players.map(|players| {
        let range = if players.from == players.to {
            players.to.to_string()
        } else {
            format!("{}–{}", players.from, players.to)
        };
        text.over_lan(&range)
    });
    let rows = [
        (text.party_version(), model.expected.clone()),
        (text.on_this_pc(), Some(here)),
        (text.size(), card.size.map(|bytes| Format::of(ui.ctx()).size(bytes))),
        (text.players(), players),
        (text.genre(), card.genre.clone()),
        (text.publisher(), model.publisher.clone()),
        (text.year(), model.year.map(|year| year.to_string())),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn row(ui: &mut Ui, at: Pos2, name: &str, value: &str, has_update: bool) {
    let theme = Theme::of(ui);
    let y = at.y + ROW / 2.0;
    ui.painter().text(pos2(at.x, y), Align2::LEFT_CENTER, name, theme::regular(theme::DENSE), theme.text_2);
    let font = theme::medium(theme::DENSE);
    let shown = elided(ui.painter(), value, font.clone(), theme.text_1, LEFT_COLUMN - VALUE);
    let rect = Rect::from_min_size(pos2(at.x + VALUE, y - shown.size().y / 2.0), shown.size());
    ui.painter().galley(rect.min, shown, theme.text_1);
    // Read together: a name alone says nothing.
    let words = format!("{name}: {value}");
    say(ui, rect.min, Align2::LEFT_TOP, &words, theme::regular(1.0), Color32::TRANSPARENT);
    if has_update {
        let place = Rect::from_min_size(pos2(rect.right() + 8.0, y - 11.0), vec2(120.0, 22.0));
        let label = Common::of(ui.ctx()).update();
        crate::frame::within(ui, place, egui::Layout::left_to_right(egui::Align::Min), |ui| {
            tag(ui, Meaning::Arriving, Some(Icon::ARROWS_CLOCKWISE), label);
        });
    }
    let line = at.y + ROW - 0.5;
    ui.painter().hline(at.x..=at.x + LEFT_COLUMN, line, theme.line_stroke());
}
