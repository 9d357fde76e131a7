//! Two minutes of rates: what came above the axis, what went below it, in one scale.

use egui::{Align2, Rect, Ui, pos2};

use crate::model::{DownloadsModel, HISTORY_SECS};
use crate::text::{DownloadsText, Format};
use crate::theme::{self, Theme};
use crate::widgets::{draw_text, plot_line};

const LABELS_WIDTH: f32 = 53.0;
const ABOVE: f32 = 70.0;
const BELOW: f32 = 46.0;
const AXIS: f32 = 84.0;
/// Points of the height between two lines of the grid.
const STEP_HEIGHT: f32 = 24.5;
const MEGA: u64 = 1_000_000;
/// The grid of an idle network.
const IDLE_STEP: u64 = 50;

pub(super) fn show(ui: &Ui, rect: Rect, model: &DownloadsModel) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let plot = rect.with_max_x(rect.right() - LABELS_WIDTH);
    let axis = rect.top() + AXIS;
    let step = step(peak(&model.down), peak(&model.up));
    let label = |y: f32, words: String| {
        let at = pos2(plot.right() + 6.0, y);
        draw_text(painter, at, Align2::LEFT_CENTER, words, theme::regular(theme::META), theme.text_3);
    };
    for (lines, value) in [(2.0, 2 * step), (1.0, step), (0.0, 0), (-1.0, step)] {
        let y = axis - lines * STEP_HEIGHT;
        painter.hline(plot.x_range(), y, theme.line_stroke());
        label(y - 1.0, grid_label(Format::of(ui.ctx()), value));
    }
    let per_point = step_bytes(step) / STEP_HEIGHT;
    let above = Rect::from_min_max(pos2(plot.left(), axis - ABOVE), pos2(plot.right(), axis));
    if peak(&model.down) > 0 {
        let down = shares(&model.down, per_point * ABOVE);
        plot_line(painter, above, &down, theme.arriving, theme::PLOT_STROKE);
    }
    // Upside down: its ground is the axis above it.
    let below = Rect::from_min_max(pos2(plot.left(), axis + BELOW), pos2(plot.right(), axis));
    if peak(&model.up) > 0 {
        let up = shares(&model.up, per_point * BELOW);
        plot_line(painter, below, &up, theme.leaving, theme::PLOT_STROKE);
    }
    let text = DownloadsText::of(ui.ctx());
    for (x, anchor, words) in [
        (plot.left() + 12.0, Align2::LEFT_CENTER, text.two_min_ago()),
        (plot.center().x + 18.0, Align2::CENTER_CENTER, text.one_min()),
        (plot.right() - 6.0, Align2::RIGHT_CENTER, text.now()),
    ] {
        let at = pos2(x, rect.top() + 150.0);
        draw_text(painter, at, anchor, words, theme::regular(theme::META), theme.text_3);
    }
}

fn peak(rates: &[u64]) -> u64 {
    rates.iter().copied().max().unwrap_or_default()
}

/// Megabytes a second between two lines: the smallest round number with which both peaks fit.
fn step(down: u64, up: u64) -> u64 {
    if down == 0 && up == 0 {
        return IDLE_STEP;
    }
    let fits = |step: &u64| {
        let step = step * MEGA;
        down <= step * 28 / 10 && up <= step * 18 / 10
    };
    [5, 10, 20, 50, 100, 200, 500, 1000, 2000].into_iter().find(fits).unwrap_or(5000)
}

/// Megabytes, from a thousand on gigabytes.
fn grid_label(format: Format, megabytes: u64) -> String {
    if megabytes < 1000 { megabytes.to_string() } else { format.size(megabytes * MEGA) }
}

#[expect(clippy::cast_precision_loss, reason = "a height to look at")]
const fn step_bytes(step: u64) -> f32 {
    (step * MEGA) as f32
}

/// Shares of a height of this many bytes a second; what was not measured is nothing.
#[expect(clippy::cast_precision_loss, reason = "heights to look at")]
fn shares(rates: &[u64], full: f32) -> Vec<f32> {
    let missing = HISTORY_SECS.saturating_sub(rates.len());
    std::iter::repeat_n(0.0, missing).chain(rates.iter().map(|rate| *rate as f32 / full)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_as_coarse_as_the_peaks_need() {
        for (down, up, expected) in
            [(0, 0, 50), (3, 0, 5), (112, 84, 50), (140, 0, 50), (141, 0, 100), (0, 95, 100)]
        {
            assert_eq!(step(down * MEGA, up * MEGA), expected, "{down} down, {up} up");
        }
        assert_eq!(step(u64::MAX / 2, 0), 5000);
    }

    #[test]
    fn what_was_not_measured_is_nothing() {
        let shares = shares(&[50, 100], 100.0);
        assert_eq!((shares.len(), shares[0]), (HISTORY_SECS, 0.0));
        assert_eq!(&shares[HISTORY_SECS - 2..], [0.5, 1.0]);
    }
}
