//! A banner: 48 high, what is wrong in bold, one button.

use egui::{Color32, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2};

use super::paint::{Meaning, draw_icon, elided};
use crate::icon::Icon;
use crate::theme::{self, Theme};

/// What a banner says.
#[derive(Clone, Copy, Debug)]
pub struct BannerLook<'a> {
    pub meaning: Meaning,
    pub icon: Icon,
    pub title: &'a str,
    pub rest: &'a str,
}

/// Draws a banner into `rect`; `buttons` are laid out from the right.
pub fn banner<R>(ui: &mut Ui, rect: Rect, look: &BannerLook<'_>, buttons: impl FnOnce(&mut Ui) -> R) -> R {
    let theme = Theme::of(ui);
    let color = look.meaning.color(theme);
    let line = Stroke::new(theme::STROKE, color);
    let response = ui.interact(rect, ui.scope_id().with("banner"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, format!("{} {}", look.title, look.rest)));
    let radius = CornerRadius::same(theme::R_FLOATING);
    ui.painter().rect(rect, radius, look.meaning.tint(theme), line, StrokeKind::Inside);
    draw_icon(ui.painter(), pos2(rect.left() + 27.0, rect.center().y), look.icon, theme::ICON_LIST, color);
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    let inner = Rect::from_min_max(rect.min, pos2(rect.right() - 12.0, rect.bottom()));
    let mut place = ui.new_child(UiBuilder::new().max_rect(inner).layout(layout));
    let answer = buttons(&mut place);
    let right = place.min_rect().left() - 12.0;
    let painter = ui.painter();
    let left = rect.left() + 49.0;
    let title = elided(painter, look.title, theme::bold(theme::BODY), theme.text_1, right - left);
    let title_width = title.size().x;
    painter.galley(pos2(left, rect.center().y - title.size().y / 2.0), title, Color32::PLACEHOLDER);
    let left = left + title_width + 5.0;
    if right - left > 20.0 {
        let rest = elided(painter, look.rest, theme::regular(theme::BODY), theme.text_2, right - left);
        painter.galley(pos2(left, rect.center().y - rest.size().y / 2.0), rest, Color32::PLACEHOLDER);
    }
    answer
}
