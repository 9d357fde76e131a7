//! A slider: track 4, knob 16. A field for exact numbers stands beside it.

use egui::{Color32, CornerRadius, EventFilter, Key, Rect, Response, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::theme::Theme;

/// A slider from 0 to 1; answers the new place while it is moved by pointer or arrow keys.
pub fn slider_row(ui: &mut Ui, name: &str, share: f32, width: f32) -> (Response, Option<f32>) {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 24.0), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, f64::from(share), name));
    let (left, right) = (rect.left() + 8.0, rect.right() - 8.0);
    let mut moved = response
        .interact_pointer_pos()
        .filter(|_| response.dragged() || response.clicked())
        .map(|at| ((at.x - left) / (right - left)).clamp(0.0, 1.0));
    if response.has_focus() {
        // Else the arrows that move the knob move the focus, too.
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let steps = ui.input(|input| {
            i8::from(input.key_pressed(Key::ArrowRight)) - i8::from(input.key_pressed(Key::ArrowLeft))
        });
        if steps != 0 {
            moved = Some((share + f32::from(steps) * 0.05).clamp(0.0, 1.0));
        }
    }
    let share = moved.unwrap_or(share).clamp(0.0, 1.0);
    let knob = pos2(left + (right - left) * share, rect.center().y);
    let track = Rect::from_min_max(pos2(left, knob.y - 2.0), pos2(right, knob.y + 2.0));
    let painter = ui.painter();
    painter.rect_filled(track, CornerRadius::same(2), theme.surface_3);
    painter.rect_filled(track.with_max_x(knob.x), CornerRadius::same(2), theme.accent);
    painter.circle_filled(knob, 8.0, theme.accent);
    painter.circle_filled(knob, 3.0, Color32::WHITE);
    if response.has_focus() {
        painter.circle_stroke(knob, 11.0, theme.focus_stroke());
    }
    (response, moved)
}
