//! A choice of a few, side by side: 36 high, the chosen part is raised.

use egui::{CornerRadius, CursorIcon, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::paint::{draw_icon, focus_ring};
use crate::icon::Icon;
use crate::theme::{self, Theme};

/// Answers the index that was clicked.
pub fn segments(ui: &mut Ui, name: &str, parts: &[(Option<Icon>, &str)], chosen: usize) -> Option<usize> {
    let theme = Theme::of(ui);
    let font = theme::medium(theme::DENSE);
    let widths: Vec<f32> = parts
        .iter()
        .map(|(icon, text)| {
            let sign = icon.map_or(0.0, |_| theme::ICON + 8.0);
            (super::text_width(ui.painter(), text, font.clone()) + sign + 32.0).ceil()
        })
        .collect();
    let total = widths.iter().sum::<f32>() + 4.0;
    let (rect, group) = ui.allocate_exact_size(vec2(total, 36.0), Sense::hover());
    group.widget_info(|| WidgetInfo::labeled(Role::RadioGroup, true, name));
    let painter = ui.painter();
    painter.rect(
        rect,
        CornerRadius::same(theme::R_BUTTON),
        theme.surface_2,
        theme.line_stroke(),
        StrokeKind::Inside,
    );
    let mut clicked = None;
    let mut x = rect.left() + 2.0;
    for (index, ((icon, text), width)) in parts.iter().zip(widths).enumerate() {
        let part = Rect::from_min_size(pos2(x, rect.top() + 2.0), vec2(width, 32.0));
        x += width;
        let response = ui.interact(part, group.id.with(index), Sense::click());
        let is_on = index == chosen;
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_on, text));
        let radius = CornerRadius::same(theme::R_TAG);
        if is_on {
            ui.painter().rect(part, radius, theme.segment_on, theme.strong_stroke(), StrokeKind::Inside);
        }
        let color = if is_on || response.hovered() { theme.text_1 } else { theme.text_2 };
        let sign = icon.map_or(0.0, |_| theme::ICON + 8.0);
        let words = ui.painter().layout_no_wrap((*text).to_owned(), font.clone(), color);
        let left = part.center().x - f32::midpoint(sign, words.size().x);
        if let Some(icon) = icon {
            let icon = if is_on { icon.fill() } else { *icon };
            draw_icon(ui.painter(), pos2(left + 8.0, part.center().y), icon, theme::ICON, color);
        }
        ui.painter().galley(pos2(left + sign, part.center().y - words.size().y / 2.0), words, color);
        focus_ring(ui, &response, part, theme::R_TAG);
        if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
            clicked = Some(index);
        }
    }
    clicked
}
