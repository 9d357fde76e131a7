//! What the controls are drawn with: text, icons, the focus ring.

use std::sync::Arc;

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Color32, CornerRadius, FontId, Galley, Painter, Pos2, Rect, Response, Stroke, StrokeKind, Ui,
};

use crate::icon::Icon;
use crate::theme::{self, Theme};

/// What a colour says. Each comes with a word and an icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Neutral,
    /// Here, ready, done.
    Good,
    Arriving,
    Leaving,
    Warn,
    Bad,
}

impl Meaning {
    pub fn color(self, theme: &Theme) -> Color32 {
        match self {
            Self::Neutral => theme.text_2,
            Self::Good => theme.accent,
            Self::Arriving => theme.arriving,
            Self::Leaving => theme.leaving,
            Self::Warn => theme.warn,
            Self::Bad => theme.bad,
        }
    }

    pub fn tint(self, theme: &Theme) -> Color32 {
        match self {
            Self::Neutral => theme.surface_2,
            Self::Good => theme.accent_tint,
            Self::Arriving => theme.arriving_tint,
            Self::Leaving => theme.leaving_tint,
            Self::Warn => theme.warn_tint,
            Self::Bad => theme.bad_tint,
        }
    }
}

/// Draws one line of text; answers where it is.
pub fn draw_text(
    painter: &Painter,
    at: Pos2,
    anchor: Align2,
    text: impl ToString,
    font: FontId,
    color: Color32,
) -> Rect {
    painter.text(at, anchor, text, font, color)
}

pub fn draw_icon(painter: &Painter, center: Pos2, icon: Icon, size: f32, color: Color32) -> Rect {
    painter.text(center, Align2::CENTER_CENTER, icon.text(), icon.font(size), color)
}

pub fn text_width(painter: &Painter, text: &str, font: FontId) -> f32 {
    painter.layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER).size().x
}

/// One line that ends in “…” where it is wider than `width`.
pub fn elided(painter: &Painter, text: &str, font: FontId, color: Color32, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap =
        TextWrapping { max_width: width, max_rows: 1, break_anywhere: true, ..TextWrapping::default() };
    painter.layout_job(job)
}

/// At most so many lines; the last one ends in “…” where that is not enough.
pub(super) fn elided_rows(
    painter: &Painter,
    text: &str,
    font: FontId,
    color: Color32,
    width: f32,
    rows: usize,
) -> Arc<Galley> {
    let mut job = LayoutJob::simple(text.to_owned(), font, color, width);
    job.wrap.max_rows = rows;
    painter.layout_job(job)
}

/// Lines of at most this width, of this height each.
pub fn wrapped(
    painter: &Painter,
    text: &str,
    font: FontId,
    color: Color32,
    width: f32,
    line_height: f32,
) -> Arc<Galley> {
    let mut job = LayoutJob::simple(text.to_owned(), font, color, width);
    for section in &mut job.sections {
        section.format.line_height = Some(line_height);
    }
    painter.layout_job(job)
}

/// A label in the layout's flow, elided at its end.
pub fn label(ui: &mut Ui, text: &str, font: FontId, color: Color32) -> Response {
    let text = egui::RichText::new(text).font(font).color(color);
    ui.add(egui::Label::new(text).truncate())
}

/// The ring around what has the keyboard's focus: 2 apart, 2 wide.
pub fn focus_ring(ui: &Ui, response: &Response, rect: Rect, radius: u8) {
    if response.has_focus() {
        let theme = Theme::of(ui);
        let painter = ui.painter().with_clip_rect(rect.expand(6.0).intersect(ui.ctx().content_rect()));
        let radius = CornerRadius::same(radius.saturating_add(4));
        painter.rect_stroke(rect.expand(2.0), radius, theme.focus_stroke(), StrokeKind::Outside);
    }
}

/// One turn a second.
pub fn spinner(ui: &Ui, center: Pos2, size: f32, color: Color32) {
    #[expect(clippy::cast_possible_truncation, reason = "an angle")]
    let turn = (ui.input(|input| input.time).fract() * std::f64::consts::TAU) as f32;
    let radius = size / 2.0 - 1.5;
    let points = (0_u8..=24)
        .map(|step| {
            let angle = turn + f32::from(step) / 24.0 * 4.7;
            center + radius * egui::vec2(angle.cos(), angle.sin())
        })
        .collect();
    ui.painter().line(points, Stroke::new(theme::SPARK_STROKE, color));
    ui.ctx().request_repaint();
}
