//! What is around every screen: the rail, the status bar, the place of the banner, the toasts.

mod notices;
mod rail;
mod status_bar;

use egui::{Align2, CornerRadius, Painter, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::theme::{self, Theme};
use crate::widgets::draw_text;

pub use notices::{toasts, top_banner};
pub use rail::rail;
pub use status_bar::status_bar;

/// Where the parts of a window are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Places {
    pub rail: Rect,
    /// Above the page, if there is a banner.
    pub banner: Option<Rect>,
    /// Title and tools of the page.
    pub top_bar: Rect,
    /// All between top bar and status bar, up to the window's right edge.
    pub page: Rect,
    pub status_bar: Rect,
}

impl Places {
    pub fn of(window: Rect, has_banner: bool) -> Self {
        let rail = window.with_max_x(window.left() + theme::RAIL);
        let right = window.with_min_x(rail.right());
        let status_bar = right.with_min_y(right.bottom() - theme::STATUS_BAR);
        let mut top = right.top();
        let banner = has_banner.then(|| {
            let margin = theme::MARGIN;
            let min = pos2(right.left() + margin, top + 12.0);
            Rect::from_min_max(min, pos2(right.right() - margin, top + 60.0))
        });
        top += if has_banner { 60.0 } else { 0.0 };
        let top_bar = Rect::from_min_max(
            pos2(right.left() + theme::MARGIN, top),
            pos2(right.right() - theme::MARGIN, top + theme::TOP_BAR),
        );
        let page = Rect::from_min_max(pos2(right.left(), top_bar.bottom()), right.right_bottom())
            .with_max_y(status_bar.top());
        Self { rail, banner, top_bar, page, status_bar }
    }
}

/// Fills the grounds. The first thing of a frame.
pub fn grounds(ui: &Ui, places: &Places) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    painter.rect_filled(ui.max_rect(), CornerRadius::ZERO, theme.bg);
    painter.rect_filled(places.rail, CornerRadius::ZERO, theme.rail);
    painter.rect_filled(places.status_bar, CornerRadius::ZERO, theme.rail);
    painter.vline(places.rail.right() - 0.5, places.rail.y_range(), theme.line_stroke());
    painter.hline(places.status_bar.x_range(), places.status_bar.top() + 0.5, theme.line_stroke());
}

/// The page's title; answers its right edge.
pub fn page_title(ui: &Ui, places: &Places, title: &str) -> f32 {
    let theme = Theme::of(ui);
    let at = pos2(places.top_bar.left(), places.top_bar.top() + 34.0);
    let response = ui.interact(
        Rect::from_center_size(at, vec2(1.0, 1.0)),
        ui.scope_id().with("page-title"),
        Sense::hover(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, title));
    draw_text(ui.painter(), at, Align2::LEFT_CENTER, title, theme::bold(theme::TITLE), theme.text_1).right()
}

/// A child layout in a place.
pub fn within<R>(ui: &mut Ui, rect: Rect, layout: egui::Layout, content: impl FnOnce(&mut Ui) -> R) -> R {
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect).layout(layout));
    content(&mut child)
}

/// The sign: one node that is joined to four others.
pub fn logo(painter: &Painter, tile: Rect) {
    let unit = tile.width() / 40.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few points")]
    let radius = CornerRadius::same((10.0 * unit) as u8);
    painter.rect_filled(tile, radius, theme::LOGO);
    let center = tile.center();
    let stroke = egui::Stroke::new(2.6 * unit, theme::ON_LOGO);
    for (x, y) in [(-9.0, -9.0), (9.0, -8.0), (-8.0, 9.0), (8.0, 8.0)] {
        let end = center + vec2(x, y) * unit;
        painter.line_segment([center, end], stroke);
        painter.circle_filled(end, 3.4 * unit, theme::ON_LOGO);
    }
    painter.circle_filled(center, 5.0 * unit, theme::ON_LOGO);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_moves_the_page_down() {
        let window = Rect::from_min_size(egui::Pos2::ZERO, vec2(1280.0, 800.0));
        let (without, with) = (Places::of(window, false), Places::of(window, true));
        assert_eq!(with.page, without.page.with_min_y(124.0));
        assert_eq!(without.page.y_range(), egui::Rangef::new(64.0, 764.0));
        assert_eq!(with.banner.map(|banner| banner.height()), Some(48.0));
    }
}
