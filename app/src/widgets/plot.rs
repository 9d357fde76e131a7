//! Lines of measured rates.

use egui::{Color32, Mesh, Painter, Pos2, Rect, Shape, Stroke, pos2};

use crate::theme;

/// A line over its area: the newest value at the right. Values are shares of the height.
pub fn plot_line(painter: &Painter, rect: Rect, values: &[f32], color: Color32, width: f32) {
    if values.len() < 2 {
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few hundred values")]
    let step = rect.width() / (values.len() - 1) as f32;
    let points: Vec<Pos2> = values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            #[expect(clippy::cast_precision_loss, reason = "a few hundred values")]
            let x = rect.left() + index as f32 * step;
            pos2(x, rect.bottom() - value.clamp(0.0, 1.0) * rect.height())
        })
        .collect();
    painter.add(Shape::mesh(area(&points, rect.bottom(), color.gamma_multiply(0.2))));
    painter.line(points, Stroke::new(width, color));
}

/// A small plot in a row.
pub fn sparkline(painter: &Painter, rect: Rect, values: &[f32], color: Color32) {
    plot_line(painter, rect, values, color, theme::SPARK_STROKE);
}

/// What is between a line and its ground.
fn area(points: &[Pos2], ground: f32, color: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    for point in points {
        mesh.colored_vertex(*point, color);
        mesh.colored_vertex(pos2(point.x, ground), color);
    }
    for left in (0..points.len().saturating_sub(1)).filter_map(|index| u32::try_from(index * 2).ok()) {
        mesh.add_triangle(left, left + 1, left + 2);
        mesh.add_triangle(left + 1, left + 2, left + 3);
    }
    mesh
}
