//! How fast each PC was in the last minute, one number a second.

use std::collections::{BTreeMap, VecDeque};

use egui::{Color32, Rect, Shape, Stroke, Ui};
use lanspread_protocol::PeerId;

use crate::theme::{self, Theme};
use crate::widgets::sparkline;

/// Seconds.
const LENGTH: usize = 60;

/// Bytes a second by PC, the newest last.
#[derive(Debug, Default)]
pub(super) struct Rates(BTreeMap<PeerId, VecDeque<u64>>);

impl Rates {
    /// Takes those of this second; who is not among them is forgotten.
    pub(super) fn take(&mut self, now: impl Iterator<Item = (PeerId, u64)>) {
        let mut before = std::mem::take(&mut self.0);
        for (peer, rate) in now {
            let mut rates = before.remove(&peer).unwrap_or_default();
            rates.push_back(rate);
            if rates.len() > LENGTH {
                rates.pop_front();
            }
            self.0.insert(peer, rates);
        }
    }
}

/// The last minute of one PC on one scale with the others; a dashed line while nothing moves.
#[expect(clippy::cast_precision_loss, reason = "shares of a few points")]
pub(super) fn history(ui: &Ui, rect: Rect, rates: &Rates, peer: PeerId, color: Color32) {
    let theme = Theme::of(ui);
    let most = rates.0.values().flatten().copied().max().unwrap_or_default();
    match rates.0.get(&peer) {
        Some(rates) if most > 0 && rates.iter().any(|rate| *rate > 0) => {
            let values: Vec<f32> = rates.iter().map(|rate| *rate as f32 / most as f32).collect();
            // What was not measured is not drawn: the line grows from the right.
            let step = rect.width() / (LENGTH - 1) as f32;
            let measured = rect.with_min_x(rect.right() - step * (rates.len() - 1) as f32);
            sparkline(ui.painter(), measured, &values, color);
        }
        Some(_) | None => {
            let line = [rect.left_bottom(), rect.right_bottom()];
            let stroke = Stroke::new(theme::STROKE, theme.line_strong);
            ui.painter().extend(Shape::dashed_line(&line, stroke, 3.0, 3.0));
        }
    }
}
