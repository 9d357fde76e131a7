//! Files and folders that are dragged on the window: publishing begins with them.

use std::path::PathBuf;

use egui::{Align2, CornerRadius, Id, LayerId, Order, Rect, StrokeKind, Ui};

use crate::action::Action;
use crate::icon::Icon;
use crate::text::PublishText;
use crate::theme::{self, Theme};
use crate::widgets::{draw_icon, draw_text};

/// Answers what was dropped; while something hovers, says what would happen.
pub fn take(ui: &Ui, window: Rect) -> Option<Action> {
    let (is_hovered, paths) = ui.input(|input| {
        let dropped = input.raw.dropped_files.iter().map(|file| file.path().to_owned());
        (!input.raw.hovered_files.is_empty(), dropped.collect::<Vec<PathBuf>>())
    });
    if is_hovered {
        invite(ui, window);
    }
    (!paths.is_empty()).then_some(Action::Drop(paths))
}

fn invite(ui: &Ui, window: Rect) {
    let theme = Theme::of(ui);
    let painter = ui.ctx().layer_painter(LayerId::new(Order::Tooltip, Id::unique("dropped")));
    painter.rect_filled(window, CornerRadius::ZERO, theme.scrim);
    let rect = Rect::from_center_size(window.center(), egui::vec2(360.0, 160.0));
    let radius = CornerRadius::same(theme::R_DIALOG);
    painter.rect(rect, radius, theme.surface_1, theme.focus_stroke(), StrokeKind::Inside);
    let icon = rect.center() - egui::vec2(0.0, 22.0);
    draw_icon(&painter, icon, Icon::UPLOAD_SIMPLE, 40.0, theme.accent);
    let words = rect.center() + egui::vec2(0.0, 34.0);
    let text = PublishText::of(ui.ctx()).drop_it();
    draw_text(&painter, words, Align2::CENTER_CENTER, text, theme::medium(theme::SECTION), theme.text_1);
}
