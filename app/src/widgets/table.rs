//! Rows of lists: hovered ones lighter, a line between, numbers right-aligned.

use std::ops::Range;

use egui::{Align2, Color32, CornerRadius, Rect, Response, Ui, pos2, vec2};

use super::paint::draw_text;
use crate::theme::{self, Theme};

/// Rows of one height, of which those in sight are drawn: a list may be as long as it likes.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    pub height: f32,
    pub gap: f32,
}

impl Rows {
    const fn pitch(self) -> f32 {
        self.height + self.gap
    }

    pub fn height_of(self, count: usize) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "rows of a list")]
        let all = count as f32 * self.pitch();
        (all - self.gap).max(0.0)
    }

    /// Where one of the rows of `all` is.
    pub fn place(self, all: Rect, index: usize) -> Rect {
        #[expect(clippy::cast_precision_loss, reason = "rows of a list")]
        let top = all.top() + index as f32 * self.pitch();
        Rect::from_min_size(pos2(all.left(), top), vec2(all.width(), self.height))
    }

    /// Those in sight, and one more at both ends: there the tabulator leads.
    pub fn in_sight(self, seen: Rect, all: Rect, count: usize) -> Range<usize> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rows of a list")]
        let row = |y: f32| ((y - all.top()) / self.pitch()).floor().max(0.0) as usize;
        let end = if seen.bottom() > all.top() { row(seen.bottom()) + 2 } else { 1 };
        row(seen.top()).min(count).saturating_sub(1)..end.min(count)
    }

    /// Brings a row into sight that the keyboard has come to. The next one is drawn then, so that one gets to all.
    pub fn follow_focus(response: &Response) {
        if response.gained_focus() {
            response.scroll_to_me(None);
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_sight_have_a_neighbour_at_both_ends() {
        let rows = Rows { height: 28.0, gap: 6.0 };
        assert!((rows.height_of(3) - 96.0).abs() < f32::EPSILON && rows.height_of(0) < f32::EPSILON);
        let all = Rect::from_min_size(pos2(0.0, 100.0), vec2(50.0, rows.height_of(500)));
        assert!((rows.place(all, 2).top() - 168.0).abs() < f32::EPSILON);
        let in_sight = |top: f32, bottom: f32| {
            let seen = Rect::from_x_y_ranges(0.0..=50.0, top..=bottom);
            rows.in_sight(seen, all, 500)
        };
        assert_eq!(in_sight(0.0, 200.0), 0..4, "two, a part of the third, and the next");
        assert_eq!(in_sight(100.0 + 340.0, 100.0 + 400.0), 9..13);
        assert_eq!(in_sight(0.0, 50.0), 0..1, "all are below");
        assert_eq!(in_sight(90_000.0, 91_000.0), 499..500, "all are above");
    }
}
