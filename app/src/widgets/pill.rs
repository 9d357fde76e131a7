//! Dark pills on covers.

use egui::{Color32, CornerRadius, Painter, Rect, pos2, vec2};

use super::paint::draw_icon;
use crate::icon::Icon;
use crate::theme::{self, Theme};

const HEIGHT: f32 = 22.0;
const EDGE: f32 = 8.0;

/// Where on a cover a pill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corner {
    TopLeft,
    TopRight,
    BottomLeft,
}

/// A pill 22 high, 8 from the edges. Answers where it is.
pub fn pill(
    painter: &Painter,
    theme: &Theme,
    cover: Rect,
    corner: Corner,
    (icon, icon_color): (Icon, Color32),
    text: &str,
) -> Rect {
    let words = painter.layout_no_wrap(text.to_owned(), theme::medium(theme::META), theme.pill_text);
    let size = vec2((words.size().x + 34.0).ceil(), HEIGHT);
    let min = match corner {
        Corner::TopLeft => cover.min + vec2(EDGE, EDGE),
        Corner::TopRight => pos2(cover.right() - EDGE - size.x, cover.top() + EDGE),
        Corner::BottomLeft => pos2(cover.left() + EDGE, cover.bottom() - EDGE - HEIGHT),
    };
    let rect = Rect::from_min_size(min, size);
    painter.rect_filled(rect, CornerRadius::same(11), theme.pill);
    draw_icon(painter, pos2(min.x + 15.0, rect.center().y), icon, 13.0, icon_color);
    painter.galley(pos2(min.x + 26.0, rect.center().y - words.size().y / 2.0), words, theme.pill_text);
    rect
}

/// How far a download is: 36 high, its middle at 44 % of the cover.
pub fn percent_pill(painter: &Painter, theme: &Theme, cover: Rect, text: &str) {
    let words = painter.layout_no_wrap(text.to_owned(), theme::bold(theme::TITLE), theme.pill_text);
    let center = pos2(cover.center().x, cover.top() + cover.height() * 0.44);
    let rect = Rect::from_center_size(center, vec2((words.size().x + 28.0).ceil(), 36.0));
    painter.rect_filled(rect, CornerRadius::same(18), theme.pill);
    painter.galley(center - words.size() / 2.0, words, theme.pill_text);
}
