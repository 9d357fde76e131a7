//! The grid: only the rows in sight are drawn; arrow keys move in it.

use egui::{CornerRadius, EventFilter, Id, Key, Rect, ScrollArea, Ui, UiBuilder, pos2, vec2};

use super::{State, card};
use crate::action::Action;
use crate::cover::Covers;
use crate::model::LibraryModel;
use crate::theme::{self, Theme};

const GAP_X: f32 = 20.0;
const GAP_Y: f32 = 22.0;
/// Above the first row: the plate of a hovered card stands out by 8.
const TOP: f32 = 10.0;
/// Title, meta line and action, below the cover.
const BELOW_COVER: f32 = 83.0;

/// Columns and sizes for a width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GridPlan {
    pub(super) columns: usize,
    pub(super) card: egui::Vec2,
    left: f32,
}

impl GridPlan {
    pub(super) fn of(area: Rect, window_width: f32) -> Self {
        let content = area.width() - 2.0 * theme::MARGIN;
        let least = if window_width >= 1600.0 { 220.0 } else { 192.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few columns")]
        let columns = (((content + GAP_X) / least).floor() as usize).max(1);
        #[expect(clippy::cast_precision_loss, reason = "a few columns")]
        let count = columns as f32;
        let width = (content - (count - 1.0) * GAP_X) / count;
        let cover = (width * 4.0 / 3.0).round();
        Self { columns, card: vec2(width, cover + BELOW_COVER), left: theme::MARGIN }
    }

    fn pitch(&self) -> f32 {
        self.card.y + GAP_Y
    }

    #[expect(clippy::cast_precision_loss, reason = "some thousands of games")]
    fn place(&self, index: usize) -> Rect {
        let (row, column) = ((index / self.columns) as f32, (index % self.columns) as f32);
        let min = pos2(self.left + column * (self.card.x + GAP_X), TOP + row * self.pitch());
        Rect::from_min_size(min, self.card)
    }

    fn height(&self, count: usize) -> f32 {
        count.checked_sub(1).map_or(0.0, |last| self.place(last).bottom() + GAP_Y)
    }

    /// The cards between two heights.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rows of a screen")]
    fn visible(&self, top: f32, bottom: f32, count: usize) -> std::ops::Range<usize> {
        let first = ((top - TOP - GAP_Y) / self.pitch()).floor().max(0.0) as usize;
        let last = ((bottom - TOP + 8.0) / self.pitch()).ceil().max(0.0) as usize;
        (first * self.columns).min(count)..(last * self.columns).min(count)
    }
}

pub(super) fn show(
    ui: &mut Ui,
    area: Rect,
    covers: &mut Covers,
    model: &LibraryModel,
    state: &mut State,
) -> Option<Action> {
    let plan = GridPlan::of(area, ui.max_rect().width());
    let mut child = ui.new_child(UiBuilder::new().max_rect(area));
    child.set_clip_rect(area);
    let mut action = None;
    ScrollArea::vertical().auto_shrink(false).id_salt("library").show_viewport(&mut child, |ui, view| {
        ui.set_height(plan.height(model.cards.len()));
        let origin = ui.max_rect().min.to_vec2();
        let visible = plan.visible(view.top(), view.bottom(), model.cards.len());
        let target = go_to(ui, &plan, model, state, &visible);
        for index in visible.clone().chain(target.filter(|target| !visible.contains(target))) {
            let shown = &model.cards[index];
            let rect = plan.place(index).translate(origin);
            let clicked = card::show(ui, covers, rect, card_id(&shown.id), shown);
            action = action.take().or(clicked);
            if let Some(target) = moved(ui, card_id(&shown.id), index, plan.columns, model.cards.len()) {
                state.go_to = Some(model.cards[target].id.clone());
                ui.ctx().request_repaint();
            }
        }
    });
    action
}

fn card_id(game: &lanspread_protocol::GameId) -> Id {
    Id::unique("card").with(game.as_str())
}

/// Scrolls to where the keyboard leads and gives that card the focus; it is drawn even while it is out of sight, or it
/// would lose the focus at once.
fn go_to(
    ui: &Ui,
    plan: &GridPlan,
    model: &LibraryModel,
    state: &mut State,
    visible: &std::ops::Range<usize>,
) -> Option<usize> {
    let game = state.go_to.as_ref()?;
    let Some(index) = model.cards.iter().position(|card| card.id == *game) else {
        state.go_to = None;
        return None;
    };
    let rect = plan.place(index).translate(ui.max_rect().min.to_vec2());
    ui.scroll_to_rect_animation(rect.expand(TOP), None, egui::style::ScrollAnimation::none());
    ui.memory_mut(|memory| memory.request_focus(card_id(game)));
    if visible.contains(&index) {
        state.go_to = None;
    } else {
        ui.ctx().request_repaint();
    }
    Some(index)
}

/// Where an arrow key leads from the card with the focus.
fn moved(ui: &Ui, id: Id, index: usize, columns: usize, count: usize) -> Option<usize> {
    if !ui.memory(|memory| memory.has_focus(id)) {
        return None;
    }
    let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, arrows));
    let target = ui.input(|input| {
        let pressed = |key| input.key_pressed(key);
        if pressed(Key::ArrowRight) {
            Some(index + 1)
        } else if pressed(Key::ArrowLeft) {
            index.checked_sub(1)
        } else if pressed(Key::ArrowDown) {
            Some(index + columns)
        } else if pressed(Key::ArrowUp) {
            index.checked_sub(columns)
        } else if pressed(Key::Home) {
            Some(0)
        } else if pressed(Key::End) {
            count.checked_sub(1)
        } else {
            None
        }
    })?;
    (target < count && target != index).then_some(target)
}

/// Blocks where cards will be.
pub(super) fn skeleton(ui: &Ui, area: Rect) {
    let theme = Theme::of(ui);
    let plan = GridPlan::of(area, ui.max_rect().width());
    let painter = ui.painter().with_clip_rect(area);
    #[expect(clippy::cast_possible_truncation, reason = "a share of a turn")]
    let pulse = (ui.input(|input| input.time) / 1.2 * std::f64::consts::TAU).cos() as f32;
    ui.ctx().request_repaint_after(std::time::Duration::from_millis(50));
    let color = theme.surface_1.lerp_to_gamma(theme.surface_2, 0.25 + 0.25 * pulse);
    for index in plan.visible(0.0, area.height(), plan.columns * 4) {
        let rect = plan.place(index).translate(area.min.to_vec2());
        let block = |top: f32, height: f32, share: f32| {
            let min = pos2(rect.left(), rect.top() + top);
            Rect::from_min_size(min, vec2(rect.width() * share, height))
        };
        let cover = plan.card.y - BELOW_COVER;
        for (block, radius) in [
            (block(0.0, cover, 1.0), theme::R_BUTTON),
            (block(cover + 13.0, 12.0, 0.7), theme::R_TAG),
            (block(cover + 33.0, 10.0, 0.5), theme::R_TAG),
            (block(cover + 53.0, 30.0, 1.0), theme::R_CARD_BUTTON),
        ] {
            painter.rect_filled(block, CornerRadius::same(radius), color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(window: f32) -> GridPlan {
        let area = Rect::from_min_size(pos2(0.0, 0.0), vec2(window - theme::RAIL, 700.0));
        GridPlan::of(area, window)
    }

    #[test]
    fn columns_follow_the_width() {
        let columns = [960.0, 1280.0, 1599.0, 1600.0, 1920.0, 3840.0].map(|width| plan(width).columns);
        assert_eq!(columns, [4, 6, 7, 6, 8, 16]);
    }

    #[test]
    fn only_rows_in_sight_are_drawn() {
        let plan = plan(1280.0);
        assert_eq!(plan.visible(0.0, 660.0, 5000), 0..12);
        let middle = plan.visible(100_000.0, 100_660.0, 5000);
        assert!(middle.len() <= 24 && middle.start.is_multiple_of(6), "{middle:?}");
        assert_eq!(plan.visible(1e9, 1e9 + 600.0, 5000), 5000..5000);
        assert!(plan.height(0) < plan.height(1));
    }
}
