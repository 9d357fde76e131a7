//! What stands where there is nothing: the node picture of the design, or an icon, with one sentence.

use egui::text::LayoutJob;
use egui::{Align, Align2, Painter, Pos2, Shape, Stroke, Ui, pos2, vec2};

use super::paint::{draw_icon, draw_text};
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

/// An icon and one sentence around the middle of what is left; answers the lower edge.
pub fn empty_state(ui: &Ui, center: Pos2, icon: Icon, title: &str, line: &str) -> f32 {
    let theme = Theme::of(ui);
    draw_icon(ui.painter(), center - vec2(0.0, 44.0), icon, 40.0, theme.text_3);
    draw_text(ui.painter(), center, Align2::CENTER_CENTER, title, theme::bold(theme::SECTION), theme.text_1);
    if line.is_empty() {
        return center.y + 14.0;
    }
    let font = theme::regular(theme::BODY);
    let mut job = LayoutJob::simple(line.to_owned(), font, theme.text_2, 420.0);
    job.halign = Align::Center;
    for section in &mut job.sections {
        section.format.line_height = Some(20.0);
    }
    let words = ui.painter().layout_job(job);
    let top = center.y + 16.0;
    let bottom = top + words.size().y;
    // Where the lines are centred, so is their place.
    ui.painter().galley(pos2(center.x, top), words, theme.text_2);
    bottom
}
