//! The picture: one PC among others, games on their way to it and from it.

use egui::{Color32, Painter, Pos2, Rect, Stroke, pos2, vec2};

use crate::theme;

/// Where this PC is in the picture of 520 x 540.
const CENTER: (f32, f32) = (260.0, 280.0);
/// Those it is joined to: place and radius.
const NEAR: [(f32, f32, f32); 6] = [
    (120.0, 200.0, 15.0),
    (270.0, 150.0, 12.0),
    (400.0, 200.0, 17.0),
    (420.0, 360.0, 15.0),
    (262.0, 440.0, 14.0),
    (150.0, 370.0, 13.0),
];
/// Others: place, radius, and to whom of the near ones they are joined.
const FAR: [(f32, f32, f32, &[usize]); 7] = [
    (80.0, 120.0, 8.0, &[0]),
    (60.0, 300.0, 9.0, &[0]),
    (390.0, 110.0, 9.0, &[2]),
    (500.0, 160.0, 7.0, &[2]),
    (480.0, 285.0, 10.0, &[2, 3]),
    (170.0, 490.0, 8.0, &[5, 4]),
    (340.0, 490.0, 9.0, &[4, 3]),
];
/// What travels: between the centre and a near one, how far from the centre, and whether it leaves.
const DOTS: [(usize, f32, bool); 4] = [(0, 0.55, false), (1, 0.48, false), (2, 0.57, false), (5, 0.5, true)];

pub(super) fn show(painter: &Painter, rect: Rect) {
    let scale = (rect.width() / 520.0).min((rect.height() - 260.0) / 540.0);
    if scale < 0.3 {
        return;
    }
    let size = vec2(520.0, 540.0) * scale;
    let corner = pos2(rect.center().x - size.x / 2.0, rect.top() + 100.0);
    let at = |x: f32, y: f32| corner + vec2(x, y) * scale;
    let center = at(CENTER.0, CENTER.1);
    let color = |share: f32| theme::LOGO.gamma_multiply(share);
    let near = |index: usize| NEAR.get(index).map(|(x, y, radius)| (at(*x, *y), *radius * scale));
    let between = |from: (Pos2, f32), to: (Pos2, f32), color: Color32| {
        let way = (to.0 - from.0).normalized();
        let gap = 8.0 * scale;
        let ends = [from.0 + way * (from.1 + gap), to.0 - way * (to.1 + gap)];
        painter.line_segment(ends, Stroke::new(1.5, color));
    };
    for (x, y, radius, joined) in FAR {
        let far = (at(x, y), radius * scale);
        for to in joined.iter().filter_map(|index| near(*index)) {
            between(far, to, color(0.25));
        }
        painter.circle_filled(far.0, far.1, color(0.4));
    }
    if let (Some(one), Some(other)) = (near(0), near(1)) {
        between(one, other, color(0.25));
    }
    for (x, y, radius) in NEAR {
        between((center, 26.0 * scale), (at(x, y), radius * scale), color(0.6));
        painter.circle_filled(at(x, y), radius * scale, color(0.6));
    }
    painter.circle_filled(center, 26.0 * scale, theme::LOGO);
    for (index, way, leaves) in DOTS {
        let Some((end, _)) = near(index) else { continue };
        let color = if leaves { theme::NODE_LEAVING } else { theme::NODE_ARRIVING };
        painter.circle_filled(center + (end - center) * way, 5.0 * scale, color);
    }
}
