//! Progress bars: 6 high, in details and dialogs 10.

use egui::{Color32, CornerRadius, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::theme::{self, Theme};

/// What a bar shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// A download.
    Arriving(f32),
    /// An installation or a check.
    Working(f32),
    /// What is here and what is still to come, before it begins.
    Both(f32),
    /// It does not go on.
    Stopped(f32),
    /// Work of unknown length: a piece that travels.
    Endless,
}

impl Bar {
    const fn share(self) -> Option<f32> {
        match self {
            Self::Arriving(share) | Self::Working(share) | Self::Both(share) | Self::Stopped(share) => {
                Some(share.clamp(0.0, 1.0))
            }
            Self::Endless => None,
        }
    }

    fn color(self, theme: &Theme) -> Color32 {
        match self {
            Self::Arriving(_) => theme.arriving,
            Self::Working(_) | Self::Both(_) | Self::Endless => theme.accent,
            Self::Stopped(_) => theme.text_3,
        }
    }
}

/// A bar in the layout's flow.
pub fn progress(ui: &mut Ui, name: &str, bar: Bar, width: f32, height: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, name);
        info.value = bar.share().map(f64::from);
        info
    });
    progress_at(ui, rect, response.id, bar);
}

/// A bar at a place of its own.
pub fn progress_at(ui: &Ui, rect: Rect, id: egui::Id, bar: Bar) {
    let theme = Theme::of(ui);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few points")]
    let radius = CornerRadius::same((rect.height() / 2.0) as u8);
    let painter = ui.painter();
    let is_both = matches!(bar, Bar::Both(_));
    painter.rect_filled(rect, radius, if is_both { theme.arriving } else { theme.surface_3 });
    let filled = match bar.share() {
        Some(share) => {
            let eased = ui.ctx().animate_value_with_time(id.with("share"), share, theme::PROGRESS_SECS);
            rect.with_max_x(rect.left() + rect.width() * eased)
        }
        None => {
            #[expect(clippy::cast_possible_truncation, reason = "a share of a turn")]
            let way = (ui.input(|input| input.time) / 1.2).fract() as f32;
            ui.ctx().request_repaint();
            let left = rect.left() + rect.width() * (way * 1.3 - 0.3);
            Rect::from_min_max(pos2(left, rect.top()), pos2(left + rect.width() * 0.3, rect.bottom()))
                .intersect(rect)
        }
    };
    if filled.width() > 0.5 {
        if is_both && filled.right() < rect.right() {
            let gap = filled.with_min_x(filled.right() - 2.0).translate(vec2(2.0, 0.0));
            painter.rect_filled(gap, 0, theme.surface_1);
        }
        painter.rect_filled(filled, radius, bar.color(theme));
    }
}
