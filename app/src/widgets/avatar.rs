//! A person's circle: two letters on a colour of their own.

use egui::{Align2, Painter, Pos2, Rect, Role, Sense, Ui, WidgetInfo, vec2};

use crate::cover::{hue, initials};
use crate::theme;

/// An avatar in the layout's flow.
pub fn avatar(ui: &mut Ui, name: &str, size: f32) -> Rect {
    let (rect, response) = ui.allocate_exact_size(vec2(size, size), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    avatar_at(ui.painter(), rect.center(), name, size);
    rect
}

/// An avatar at a place of its own.
pub fn avatar_at(painter: &Painter, center: Pos2, name: &str, size: f32) {
    painter.circle_filled(center, size / 2.0, theme::hsl(hue(name), 0.32, 0.34));
    let font = theme::bold((size * 0.4).round());
    painter.text(center, Align2::CENTER_CENTER, two_letters(name), font, egui::Color32::WHITE);
}

/// The first two letters of a single name as they are written, else the initials.
fn two_letters(name: &str) -> String {
    if name.split_whitespace().count() > 1 { initials(name) } else { name.trim().chars().take(2).collect() }
}
