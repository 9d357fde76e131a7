//! Filter chips, 32 high.

use egui::{
    Color32, CornerRadius, CursorIcon, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::paint::{draw_icon, focus_ring};
use crate::icon::Icon;
use crate::theme::{self, Theme};

const HEIGHT: f32 = 32.0;
const PADDING: f32 = 12.0;
const GAP: f32 = 7.0;

/// A chip with a count, where that is known; when on it has a check.
pub fn chip(ui: &mut Ui, icon: Icon, text: &str, count: Option<usize>, is_on: bool) -> Response {
    let theme = Theme::of(ui);
    let words =
        ui.painter().layout_no_wrap(text.to_owned(), theme::medium(theme::DENSE), Color32::PLACEHOLDER);
    let count = count.map(|count| count.to_string());
    let number = count
        .clone()
        .map(|count| ui.painter().layout_no_wrap(count, theme::regular(theme::DENSE), Color32::PLACEHOLDER));
    let counted = number.as_ref().map_or(0.0, |number| GAP + number.size().x);
    let width = 2.0 * PADDING + theme::ICON + GAP + words.size().x + counted;
    let (rect, response) = ui.allocate_exact_size(vec2(width.ceil(), HEIGHT), Sense::click());
    let name = count.map_or_else(|| text.to_owned(), |count| format!("{text} {count}"));
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_on, &name));
    let (fill, line, color, number_color) = if is_on {
        (theme.accent_tint, theme.accent, theme.accent, theme.accent)
    } else if response.hovered() {
        (theme.surface_2, theme.line, theme.text_1, theme.text_3)
    } else {
        (Color32::TRANSPARENT, theme.line, theme.text_2, theme.text_3)
    };
    let painter = ui.painter();
    let line = Stroke::new(theme::STROKE, line);
    painter.rect(rect, CornerRadius::same(16), fill, line, StrokeKind::Inside);
    let mut x = rect.left() + PADDING;
    let y = rect.center().y;
    let sign = if is_on { Icon::CHECK } else { icon };
    draw_icon(painter, pos2(x + theme::ICON / 2.0, y), sign, theme::ICON, color);
    x += theme::ICON + GAP;
    let after = x + words.size().x + GAP;
    painter.galley_with_override_text_color(pos2(x, y - words.size().y / 2.0), words, color);
    if let Some(number) = number {
        let at = pos2(after, y - number.size().y / 2.0);
        painter.galley_with_override_text_color(at, number, number_color);
    }
    focus_ring(ui, &response, rect, 16);
    response.on_hover_cursor(CursorIcon::PointingHand)
}
