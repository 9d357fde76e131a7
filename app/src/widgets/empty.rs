//! What stands where there is nothing: the node picture of the design, or an icon, with one sentence.

use egui::{Align2, Painter, Pos2, Shape, Stroke, Ui, pos2, vec2};

use super::paint::{draw_icon, draw_text, wrapped};
use crate::icon::Icon;
use crate::theme::{self, Theme};

/// Six others around this PC, not reached yet.
pub fn empty_node_picture(painter: &Painter, theme: &Theme, center: Pos2) {
    let line = Stroke::new(theme::FOCUS_STROKE, theme.line_strong);
    for (x, y) in [(-80.0, 0.0), (-36.0, -42.0), (36.0, -42.0), (80.0, 0.0), (36.0, 42.0), (-36.0, 42.0)] {
        let way = vec2(x, y);
        let direction = way.normalized();
        let ends = [center + direction * 30.0, center + way - direction * 16.0];
        painter.extend(Shape::dashed_line(&ends, line, 4.0, 4.0));
        painter.circle_stroke(center + way, 11.0, line);
    }
    painter.circle(center, 24.0, theme.accent_tint, Stroke::new(theme::FOCUS_STROKE, theme.accent));
    draw_icon(painter, center, Icon::BROADCAST, 24.0, theme.accent);
}

/// An icon and one sentence around the middle of what is left.
pub fn empty_state(ui: &Ui, center: Pos2, icon: Icon, title: &str, line: &str) {
    let theme = Theme::of(ui);
    draw_icon(ui.painter(), center - vec2(0.0, 44.0), icon, 40.0, theme.text_3);
    draw_text(ui.painter(), center, Align2::CENTER_CENTER, title, theme::bold(theme::SECTION), theme.text_1);
    let words = wrapped(ui.painter(), line, theme::regular(theme::BODY), theme.text_2, 420.0, 20.0);
    let at = pos2(center.x - words.size().x / 2.0, center.y + 16.0);
    ui.painter().galley(at, words, theme.text_2);
}
