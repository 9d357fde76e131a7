//! How full a disk is: pieces from the left in an outline.

use egui::{Color32, CornerRadius, Rect, Role, Sense, StrokeKind, Ui, Vec2, WidgetInfo, vec2};

use crate::theme::{self, Theme};

const GAP: f32 = 2.0;

/// Pieces of these bytes, of `total` bytes. What they leave is free.
pub fn space_bar(ui: &mut Ui, name: &str, pieces: &[(u64, Color32)], total: u64, size: Vec2) {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few points")]
    let radius = CornerRadius::same((rect.height() / 2.0) as u8);
    ui.painter().rect_stroke(rect, radius, theme.strong_stroke(), StrokeKind::Inside);
    let mut left = rect.left();
    for (bytes, color) in pieces {
        let width = rect.width() * share(*bytes, total);
        let piece = Rect::from_min_size(rect.with_min_x(left).min, vec2(width, rect.height()));
        let piece = piece.intersect(rect);
        // The gap to the next one is a piece's last part; one that is too small for it is not seen at all.
        let seen = piece.with_max_x(piece.right() - GAP);
        if seen.width() >= theme::STROKE {
            ui.painter().rect_filled(seen, radius, *color);
            left = piece.right();
        }
    }
}

/// The part of all, from 0 to 1; of nothing it is 0.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share to look at")]
pub fn share(bytes: u64, total: u64) -> f32 {
    if total == 0 { 0.0 } else { (bytes as f64 / total as f64) as f32 }
}
