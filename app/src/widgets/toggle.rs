//! Switches, 40 by 22.

use egui::{CornerRadius, CursorIcon, Response, Role, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::paint::focus_ring;
use crate::theme::{self, Theme};

/// A switch; clicked, it says so, and the caller turns it.
pub fn toggle(ui: &mut Ui, name: &str, is_on: bool) -> Response {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(40.0, 22.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Switch, true, is_on, name));
    let way = ui.ctx().animate_bool_with_time(response.id.with("way"), is_on, theme::HOVER_SECS);
    let fill = theme.surface_3.lerp_to_gamma(theme.accent, way);
    let knob = theme.text_2.lerp_to_gamma(theme.on_accent, way);
    ui.painter().rect_filled(rect, CornerRadius::same(11), fill);
    if !is_on {
        ui.painter().rect_stroke(rect, CornerRadius::same(11), theme.strong_stroke(), StrokeKind::Inside);
    }
    let center = pos2(rect.left() + 11.0 + way * 18.0, rect.center().y);
    ui.painter().circle_filled(center, 8.0, knob);
    focus_ring(ui, &response, rect, 11);
    response.on_hover_cursor(CursorIcon::PointingHand)
}
