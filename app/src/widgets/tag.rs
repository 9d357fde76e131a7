//! Tags: a word on a tint, 22 high.

use egui::{Color32, CornerRadius, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::paint::{Meaning, draw_icon};
use crate::icon::Icon;
use crate::theme::{self, Theme};

pub fn tag(ui: &mut Ui, meaning: Meaning, icon: Option<Icon>, text: &str) -> Response {
    let theme = Theme::of(ui);
    let words =
        ui.painter().layout_no_wrap(text.to_owned(), theme::medium(theme::META), Color32::PLACEHOLDER);
    let sign = icon.map_or(0.0, |_| 13.0 + 4.0);
    let (rect, response) =
        ui.allocate_exact_size(vec2((words.size().x + sign + 16.0).ceil(), 22.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    let painter = ui.painter();
    let color = meaning.color(theme);
    painter.rect_filled(rect, CornerRadius::same(theme::R_TAG), meaning.tint(theme));
    let x = rect.left() + 8.0;
    if let Some(icon) = icon {
        draw_icon(painter, pos2(x + 6.5, rect.center().y), icon, 13.0, color);
    }
    let at = pos2(x + sign, rect.center().y - words.size().y / 2.0);
    painter.galley_with_override_text_color(at, words, color);
    response
}
