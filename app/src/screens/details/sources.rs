//! The right column: which parts are here, and who brings the others.

use std::time::Duration;

use egui::{Align2, Color32, Context, CornerRadius, Id, Pos2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use lanspread_engine::MapCell;

use super::rates::history;
use super::{State, receivers, say};
use crate::frame::within;
use crate::model::{Counted, DetailsModel, Has, SourceRow};
use crate::text::{DetailsText, Format, LibraryText};
use crate::theme::{self, Theme};
use crate::widgets::{Meaning, avatar_at, elided, tag, wrapped};

const SETTLED_SECS: f64 = 5.0;
const ROW: f32 = 43.0;
const MAP_HEIGHT: f32 = 18.0;

/// Takes the rates once a second, and settles the order of the sources for a while.
pub(super) fn measure(ctx: &Context, model: &DetailsModel, state: &mut State) {
    let now = ctx.input(|input| input.time);
    if state.game.as_ref() != Some(&model.card.id) {
        let (game, never) = (Some(model.card.id.clone()), f64::NEG_INFINITY);
        *state = State { game, rated_at: never, ordered_at: never, below: state.below, ..State::default() };
    }
    if now - state.rated_at >= 1.0 {
        state.rated_at = now;
        state.rates.take(model.sources.iter().map(|row| (row.peer, row.rate)));
        state.sent.take(model.receivers.iter().filter_map(|row| Some((row.peer, row.rate?))));
    }
    if now - state.ordered_at >= SETTLED_SECS || state.order.len() != model.sources.len() {
        state.ordered_at = now;
        state.order = model.sources.iter().map(|row| row.peer).collect();
    }
    if !model.receivers.is_empty() || model.sources.iter().any(|row| row.rate > 0) {
        ctx.request_repaint_after(Duration::from_secs(1));
    }
}

/// Answers where the column ends.
pub(super) fn show(ui: &mut Ui, at: Pos2, width: f32, model: &DetailsModel, state: &State) -> f32 {
    let is_known = !model.parts.cells.is_empty();
    let y = if is_known { parts(ui, at, width, model) } else { at.y - 16.0 };
    let below = pos2(at.x, y + 26.0);
    let y = if model.sources.is_empty() {
        nobody(ui, below, width, model)
    } else {
        list(ui, below, width, model, state)
    };
    receivers::show(ui, pos2(at.x, y), width, model, &state.sent)
}

fn heading(ui: &Ui, at: Pos2, width: f32, left: &str, right: &str) {
    let theme = Theme::of(ui);
    say(ui, at, Align2::LEFT_CENTER, left, theme::medium(theme::BODY), theme.text_1);
    if !right.is_empty() {
        let font = theme::regular(theme::META);
        say(ui, pos2(at.x + width, at.y), Align2::RIGHT_CENTER, right, font, theme.text_2);
    }
}

fn parts(ui: &Ui, at: Pos2, width: f32, model: &DetailsModel) -> f32 {
    let (text, format) = (DetailsText::of(ui.ctx()), Format::of(ui.ctx()));
    let title = match &model.expected {
        Some(version) if model.is_outdated => text.parts_of(version),
        _ => text.parts().to_owned(),
    };
    let is_all = model.parts.cells.iter().all(|cell| *cell == MapCell::Here);
    let right = match model.parts.counted {
        Counted::Checked { here, total } => text.checked(&format.count(here), &format.count(total)),
        Counted::Bytes { here, total } => text.already_here(&format.size(here), &format.size(total)),
        Counted::Nothing if is_all => text.all_here().to_owned(),
        Counted::Nothing => String::new(),
    };
    heading(ui, pos2(at.x, at.y + 10.0), width, &title, &right);
    let map = Rect::from_min_size(pos2(at.x, at.y + 30.0), vec2(width, MAP_HEIGHT));
    draw_map(ui, map, &model.parts.cells);
    let response = ui.interact(map, Id::unique("details-map"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{title}, {right}")));
    legend(ui, pos2(at.x, at.y + 64.0), model.parts.counted);
    at.y + 74.0
}

/// Where each cell is, at whole points; a point apart where there is room.
#[expect(clippy::cast_precision_loss, reason = "at most 140 cells")]
fn draw_map(ui: &Ui, rect: Rect, cells: &[MapCell]) {
    let theme = Theme::of(ui);
    let step = rect.width() / cells.len().max(1) as f32;
    for (index, cell) in cells.iter().enumerate() {
        let (height, color) = look(theme, *cell);
        let (left, right) =
            (rect.left() + index as f32 * step, rect.left() + (index + 1) as f32 * step - 1.0);
        let min = pos2(left, rect.bottom() - height);
        let cell = Rect::from_min_max(min, pos2(right.max(left + 1.0), rect.bottom()));
        ui.painter().rect_filled(cell, CornerRadius::ZERO, color);
    }
}

const fn look(theme: &Theme, cell: MapCell) -> (f32, Color32) {
    match cell {
        MapCell::Here => (MAP_HEIGHT, theme.accent),
        MapCell::OnTheWay => (11.0, theme.arriving),
        MapCell::Missing => (4.0, theme.line_strong),
    }
}

fn legend(ui: &Ui, at: Pos2, counted: Counted) {
    let (theme, text) = (Theme::of(ui), DetailsText::of(ui.ctx()));
    let mut x = at.x;
    let missing = match counted {
        Counted::Bytes { here, total } => {
            text.missing_size(&Format::of(ui.ctx()).size(total.saturating_sub(here)))
        }
        Counted::Checked { .. } | Counted::Nothing => text.missing().to_owned(),
    };
    let words =
        [(MapCell::Here, text.here()), (MapCell::OnTheWay, text.on_the_way()), (MapCell::Missing, &*missing)];
    for (cell, words) in words {
        let (height, color) = look(theme, cell);
        let height = height.min(13.0) * 0.9;
        let sign = Rect::from_min_max(pos2(x, at.y + 6.0 - height), pos2(x + 6.0, at.y + 6.0));
        ui.painter().rect_filled(sign, CornerRadius::same(1), color);
        let font = theme::regular(theme::META);
        let shown = ui.painter().text(pos2(x + 12.0, at.y), Align2::LEFT_CENTER, words, font, theme.text_2);
        x = shown.right() + 16.0;
    }
}

fn nobody(ui: &Ui, at: Pos2, width: f32, model: &DetailsModel) -> f32 {
    let theme = Theme::of(ui);
    let text = DetailsText::of(ui.ctx());
    heading(ui, at, width, &LibraryText::of(ui.ctx()).sources(0), "");
    let is_here = model.card.is_installed && !model.is_outdated;
    let words = if is_here { text.only_you_have_it() } else { text.no_sources() };
    let lines = wrapped(ui.painter(), words, theme::regular(theme::DENSE), theme.text_2, width, 18.0);
    let rect = Rect::from_min_size(pos2(at.x, at.y + 18.0), lines.size());
    ui.painter().galley(rect.min, lines, theme.text_2);
    let response = ui.interact(rect, Id::unique("details-nobody"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    rect.bottom()
}

fn list(ui: &mut Ui, at: Pos2, width: f32, model: &DetailsModel, state: &State) -> f32 {
    let text = DetailsText::of(ui.ctx());
    let is_moving = model.sources.iter().any(|row| row.rate > 0);
    let right = if is_moving { text.last_60_s() } else { "" };
    let sources = match &model.expected {
        Some(version) if model.is_outdated => text.sources_for(model.sources.len(), version),
        _ => LibraryText::of(ui.ctx()).sources(model.sources.len()),
    };
    heading(ui, at, width, &sources, right);
    let mut y = at.y + 18.0;
    if is_moving {
        strip(ui, Rect::from_min_size(pos2(at.x, y), vec2(width, 8.0)), &model.sources);
        y += 12.0;
    }
    let mut rows: Vec<&SourceRow> = model.sources.iter().collect();
    rows.sort_by_key(|row| state.order.iter().position(|peer| *peer == row.peer));
    for row in rows {
        let rect = Rect::from_min_size(pos2(at.x, y), vec2(width, ROW));
        source(ui, rect, row, model.is_fetching, state);
        y += ROW;
    }
    y
}

/// Each source's share of what arrives, side by side.
#[expect(clippy::cast_precision_loss, reason = "shares to look at")]
fn strip(ui: &Ui, rect: Rect, sources: &[SourceRow]) {
    let theme = Theme::of(ui);
    let total: u64 = sources.iter().map(|row| row.rate).sum();
    let mut left = rect.left();
    let opacities = [1.0, 0.8, 0.6, 0.4].into_iter().chain(std::iter::repeat(0.4));
    for (row, opacity) in sources.iter().filter(|row| row.rate > 0).zip(opacities) {
        let width = rect.width() * row.rate as f32 / total.max(1) as f32;
        let part =
            Rect::from_min_max(pos2(left, rect.top()), pos2((left + width - 2.0).max(left), rect.bottom()));
        ui.painter().rect_filled(part, CornerRadius::same(2), theme.arriving.gamma_multiply(opacity));
        left += width;
    }
}

fn source(ui: &mut Ui, rect: Rect, row: &SourceRow, is_fetching: bool, state: &State) {
    let (theme, text, format) = (Theme::of(ui), DetailsText::of(ui.ctx()), Format::of(ui.ctx()));
    let has = match row.has {
        Has::All => text.all_parts().to_owned(),
        Has::Share(share) => text.share_of_it(&format.percent(share)),
        Has::Something => text.some_parts().to_owned(),
    };
    let has = if row.is_playing && row.rate == 0 { text.playing().to_owned() } else { has };
    let rate = if row.rate > 0 {
        format.rate(row.rate)
    } else if is_fetching {
        text.standby().to_owned()
    } else {
        text.ready().to_owned()
    };
    let response = ui.interact(rect, Id::unique("details-source").with(row.peer.0), Sense::hover());
    let words = format!("{}, {has}, {rate}", row.name);
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &words));
    let y = rect.center().y;
    avatar_at(ui.painter(), pos2(rect.left() + 14.0, y), &row.name, 28.0);
    let name = elided(ui.painter(), &row.name, theme::medium(theme::DENSE), theme.text_1, 108.0);
    ui.painter().galley(pos2(rect.left() + 40.0, y - 9.0 - name.size().y / 2.0), name, theme.text_1);
    let at = pos2(rect.left() + 40.0, y + 9.0);
    ui.painter().text(at, Align2::LEFT_CENTER, &has, theme::regular(theme::META), theme.text_2);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, theme.line_stroke());
    if !is_fetching {
        let place = Rect::from_min_max(pos2(rect.right() - 100.0, y - 11.0), pos2(rect.right(), y + 11.0));
        within(ui, place, egui::Layout::right_to_left(egui::Align::Min), |ui| {
            tag(ui, Meaning::Neutral, None, &rate);
        });
        return;
    }
    let plot = Rect::from_min_size(pos2(rect.left() + 156.0, y - 13.0), vec2(116.0, 26.0));
    history(ui, plot, &state.rates, row.peer, theme.arriving);
    let (font, color) = if row.rate > 0 {
        (theme::medium(theme::DENSE), theme.text_1)
    } else {
        (theme::regular(theme::DENSE), theme.text_3)
    };
    ui.painter().text(pos2(rect.right(), y), Align2::RIGHT_CENTER, &rate, font, color);
}
