//! Check boxes: 18, radius 5.

use egui::{CornerRadius, CursorIcon, Rect, Response, Role, Sense, StrokeKind, Ui, WidgetInfo, vec2};

use super::paint::{draw_icon, focus_ring};
use crate::icon::Icon;
use crate::theme::Theme;

/// The box's width and height.
pub const SIDE: f32 = 18.0;

/// A box to tick; clicked, it says so, and the caller ticks it.
pub fn checkbox(ui: &mut Ui, name: &str, is_on: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(SIDE, SIDE), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_on, name));
    draw_box(ui, rect, is_on, response.hovered());
    focus_ring(ui, &response, rect, 5);
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// The box alone, for a row that is the check box itself.
pub fn draw_box(ui: &Ui, rect: Rect, is_on: bool, is_hovered: bool) {
    let theme = Theme::of(ui);
    let radius = CornerRadius::same(5);
    if is_on {
        ui.painter().rect_filled(rect, radius, theme.accent);
        draw_icon(ui.painter(), rect.center(), Icon::CHECK.bold(), 12.0, theme.on_accent);
    } else {
        let fill = if is_hovered { theme.surface_2 } else { theme.field };
        ui.painter().rect(rect, radius, fill, theme.strong_stroke(), StrokeKind::Inside);
    }
}
