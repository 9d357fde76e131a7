//! The order of those that wait: to the top by a button, anywhere by dragging or with the arrow keys.

use egui::{CursorIcon, EventFilter, Key, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use lanspread_engine::Command;

use crate::action::Action;
use crate::icon::Icon;
use crate::model::DownloadRow;
use crate::text::DownloadsText;
use crate::theme::{self, Theme};
use crate::widgets::{ButtonKind, ButtonSize, draw_icon, focus_ring, icon_button};

/// Draws the signs of a row at `at` of so many in line; answers where it is to go.
pub(super) fn show(ui: &mut Ui, rect: Rect, row: &DownloadRow, at: usize, in_line: usize) -> Option<Action> {
    let text = DownloadsText::of(ui.ctx());
    let to = |position| Action::Command(Command::MoveInQueue { game: row.id.clone(), position });
    let moved = handle(ui, rect, &text.move_game(&row.title), at, in_line).map(to);
    if at == 0 {
        return moved;
    }
    let name = text.to_top(&row.title);
    let top = icon_button(ui, Icon::ARROW_LINE_UP, &name, ButtonKind::Ghost, ButtonSize::Row);
    moved.or(top.clicked().then(|| to(0)))
}

fn handle(ui: &mut Ui, row: Rect, name: &str, at: usize, in_line: usize) -> Option<usize> {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(28.0, 32.0), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let color = if response.hovered() || response.dragged() { theme.text_1 } else { theme.text_2 };
    draw_icon(ui.painter(), rect.center(), Icon::DOTS_SIX_VERTICAL.bold(), theme::ICON, color);
    focus_ring(ui, &response, rect, theme::R_BUTTON);
    let response = response.on_hover_cursor(CursorIcon::Grab);
    if response.has_focus() {
        let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let (up, down) =
            ui.input(|input| (input.key_pressed(Key::ArrowUp), input.key_pressed(Key::ArrowDown)));
        let to = if up { at.checked_sub(1) } else { Some(at + 1).filter(|to| down && *to < in_line) };
        if to.is_some() {
            return to;
        }
    }
    let pointer =
        response.interact_pointer_pos().filter(|_| response.dragged() || response.drag_stopped())?;
    ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    let to = place_under(row, pointer.y, at, in_line);
    if response.drag_stopped() {
        return Some(to).filter(|to| *to != at);
    }
    if to != at {
        mark(ui, row, at, to);
    }
    None
}

/// The place of the row under the pointer.
fn place_under(row: Rect, y: f32, at: usize, in_line: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "a few rows")]
    let rows = ((y - row.center().y) / row.height()).round() as isize;
    at.saturating_add_signed(rows).min(in_line.saturating_sub(1))
}

/// A line where it would come to lie.
fn mark(ui: &Ui, row: Rect, at: usize, to: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a few rows")]
    let rows = to as f32 - at as f32;
    let edge = if to > at { row.bottom() } else { row.top() };
    let y = edge + rows * row.height();
    let painter = ui.ctx().layer_painter(ui.layer_id());
    painter.hline(row.x_range(), y, Theme::of(ui).focus_stroke());
    painter.circle_filled(pos2(row.left(), y), 3.0, Theme::of(ui).accent);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_under_the_pointer_gives_its_place() {
        let row = Rect::from_min_size(pos2(0.0, 100.0), vec2(500.0, 60.0));
        for (y, at, to) in
            [(130.0, 1, 1), (155.0, 1, 1), (165.0, 1, 2), (1000.0, 1, 3), (71.0, 1, 0), (0.0, 1, 0)]
        {
            assert_eq!(place_under(row, y, at, 4), to, "{y}");
        }
    }
}
