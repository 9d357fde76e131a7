//! Rows of lists: hovered ones lighter, a line between, numbers right-aligned.

use egui::{Align2, Color32, CornerRadius, Rect, Response, Ui, pos2};

use super::paint::draw_text;
use crate::theme::{self, Theme};

/// A row's ground under the pointer.
pub fn row_background(ui: &Ui, response: &Response, rect: Rect, radius: u8) {
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, CornerRadius::same(radius), Theme::of(ui).surface_2);
    }
}

/// The line between a row and the next.
pub fn row_line(ui: &Ui, rect: Rect) {
    ui.painter().hline(rect.x_range(), rect.bottom(), Theme::of(ui).line_stroke());
}

/// A number that ends at `right`; nothing is “—”.
pub fn value_right(ui: &Ui, right: f32, y: f32, value: Option<&str>, color: Color32) -> Rect {
    let (text, color) = value.map_or(("—", Theme::of(ui).text_3), |text| (text, color));
    draw_text(ui.painter(), pos2(right, y), Align2::RIGHT_CENTER, text, theme::medium(theme::DENSE), color)
}
