//! The panel with everything about one game: from the right, over the page.

mod facts;
mod head;
mod primary;
mod rates;
mod receivers;
mod sources;
#[cfg(test)]
mod tests;
mod together;

use egui::{
    Align2, Area, Color32, CornerRadius, FontId, Id, Key, Layout, Order, Popup, Pos2, Rect, Role, ScrollArea,
    Sense, Ui, WidgetInfo, pos2, vec2,
};
use lanspread_protocol::{GameId, PeerId};

use super::{Scene, library};
use crate::action::Action;
use crate::frame::within;
use crate::model::DetailsModel;
use crate::text::DetailsText;
use crate::theme::{self, Theme};
use crate::widgets::{FocusBelow, draw_text};

const WIDTH: f32 = 784.0;
const PADDING: f32 = 32.0;
const LEFT_COLUMN: f32 = 276.0;
const COLUMN_GAP: f32 = 36.0;
const BODY_TOP: f32 = 380.0;
/// So much of the lower part is seen at least, and so wide is its right column.
const BODY_LEAST: f32 = 160.0;
const RIGHT_LEAST: f32 = 280.0;

/// What a person does here that is no game's state, and the rates of the last minute.
#[derive(Debug, Default)]
pub struct State {
    /// Whose rates these are.
    game: Option<GameId>,
    rates: rates::Rates,
    /// The same of those who receive it.
    sent: rates::Rates,
    rated_at: f64,
    /// The sources' order, settled for a while.
    order: Vec<PeerId>,
    ordered_at: f64,
    /// What had the focus before the panel opened.
    pub(crate) below: FocusBelow,
}

pub fn show(ui: &mut Ui, scene: &mut Scene<'_>, model: &DetailsModel, state: &mut State) -> Option<Action> {
    let window = ui.ctx().content_rect();
    let ctx = ui.ctx().clone();
    sources::measure(&ctx, model, state);
    // A menu takes the key that closes it.
    let has_menu = Popup::is_any_open(&ctx);
    let area = Area::new(Id::unique("details"))
        .order(Order::Middle)
        .fixed_pos(window.min)
        .constrain(false)
        .movable(false)
        .sense(Sense::hover());
    let shown = area.show(&ctx, |ui| {
        ui.set_min_size(window.size());
        over_page(ui, scene, window, model, state)
    });
    let layer = shown.response.layer_id;
    let is_on_top = ctx.memory(|memory| memory.is_above_modal_layer(layer));
    ctx.memory_mut(|memory| memory.set_modal_layer(layer));
    let escaped = is_on_top && !has_menu && ctx.input(|input| input.key_pressed(Key::Escape));
    let by_key = || if is_on_top && !has_menu { library::panel_key(ui, &model.card) } else { None };
    shown.inner.or_else(|| escaped.then_some(Action::CloseDetails)).or_else(by_key)
}

fn over_page(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    window: Rect,
    model: &DetailsModel,
    state: &State,
) -> Option<Action> {
    let theme = Theme::of(ui);
    let is_narrow = window.width() < theme::NARROW;
    let width = if is_narrow { window.width() - theme::RAIL } else { WIDTH };
    let way = ui.ctx().animate_value_with_time(Id::unique("details-slide"), 1.0, theme::PANEL_SECS);
    ui.painter().rect_filled(window, CornerRadius::ZERO, theme.scrim.gamma_multiply(way));
    let left = window.right() - width * way;
    let panel = Rect::from_min_size(pos2(left, window.top()), vec2(width, window.height()));
    let scrim = ui.interact(window.with_max_x(left), Id::unique("details-scrim"), Sense::CLICK);
    let ground = ui.interact(panel, Id::unique("details-panel"), Sense::hover());
    let name = DetailsText::of(ui.ctx()).panel(&model.card.title);
    ground.widget_info(|| WidgetInfo::labeled(Role::Dialog, true, &name));
    ui.painter().add(theme.lifted.as_shape(panel, CornerRadius::ZERO));
    ui.painter().rect_filled(panel, CornerRadius::ZERO, theme.surface_1);
    let mut action = scrim.clicked().then_some(Action::CloseDetails);
    // Where the upper part leaves no room for the lower, it scrolls along.
    let is_low = panel.height() < BODY_TOP + BODY_LEAST;
    if !is_low {
        action = action.or(upper(ui, scene, panel, model));
    }
    let scrolled = if is_low { panel } else { panel.with_min_y(panel.top() + BODY_TOP) };
    within(ui, scrolled, Layout::top_down(egui::Align::Min), |ui| {
        ScrollArea::vertical().id_salt(model.card.id.as_str()).auto_shrink(false).show(ui, |ui| {
            let mut top = ui.cursor().top();
            if is_low {
                let place = panel.translate(vec2(0.0, top - panel.top()));
                action = action.take().or(upper(ui, scene, place, model));
                top += BODY_TOP;
            }
            let bottom = lower(ui, panel, top + 20.0, model, state);
            let all =
                Rect::from_min_max(pos2(panel.left(), top), pos2(panel.right() - PADDING, bottom + 12.0));
            ui.allocate_rect(all, Sense::hover());
        });
    });
    // Over the hero, too.
    ui.painter().vline(panel.left() + 0.5, panel.y_range(), theme.strong_stroke());
    action
}

fn upper(ui: &mut Ui, scene: &mut Scene<'_>, panel: Rect, model: &DetailsModel) -> Option<Action> {
    let by_head = head::show(ui, scene.covers, panel, model);
    let by_primary = primary::show(ui, panel, model);
    by_head.or(by_primary).or(primary::secondary(ui, panel, model))
}

/// Facts and sources side by side, or one below the other; answers where they end.
fn lower(ui: &mut Ui, panel: Rect, top: f32, model: &DetailsModel, state: &State) -> f32 {
    let left = panel.left() + PADDING;
    let facts = facts::show(ui, pos2(left, top), model);
    let column = left + LEFT_COLUMN + COLUMN_GAP;
    let width = panel.right() - PADDING - column;
    if width >= RIGHT_LEAST {
        return facts.max(sources::show(ui, pos2(column, top), width, model, state));
    }
    sources::show(ui, pos2(left, facts + 20.0), panel.width() - 2.0 * PADDING, model, state)
}

/// A line of text that is also said.
fn say(ui: &Ui, at: Pos2, anchor: Align2, text: &str, font: FontId, color: Color32) -> Rect {
    let rect = draw_text(ui.painter(), at, anchor, text, font, color);
    #[expect(clippy::cast_possible_truncation, reason = "a point of the window")]
    let id = Id::unique("details-text").with((text, at.x as i32, at.y as i32));
    let response = ui.interact(rect, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    rect
}
