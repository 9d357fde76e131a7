//! Where games go: the path, how full its disk is, and whether it will do.

use egui::{CornerRadius, Frame, Margin, Rect, Sense, Ui, vec2};

use crate::icon::Icon;
use crate::model::{FolderNote, FolderReport};
use crate::text::{FirstRunText, Format};
use crate::theme::{self, Theme};
use crate::widgets::{Button, Field, draw_icon, label};

/// True when the system's dialog is to open.
pub(super) fn card(
    ui: &mut Ui,
    width: f32,
    path: &mut String,
    note: FolderNote,
    report: Option<&FolderReport>,
) -> bool {
    let (text, theme) = (FirstRunText::of(ui.ctx()), Theme::of(ui));
    let frame = Frame::new()
        .fill(theme.surface_1)
        .stroke(theme.line_stroke())
        .corner_radius(CornerRadius::same(theme::R_FLOATING))
        .inner_margin(Margin::symmetric(12, 12));
    frame
        .show(ui, |ui| {
            ui.set_width(width - 26.0);
            ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
            let is_clicked = ui
                .horizontal(|ui| {
                    let choose = Button::new(text.choose()).icon(Icon::FOLDER_OPEN);
                    let field = width - 26.0 - choose.natural_width(ui) - 8.0;
                    Field::new(path, text.your_folder()).icon(Icon::FOLDER).width(field).limit(4096).show(ui);
                    choose.show(ui).clicked()
                })
                .inner;
            space(ui, width - 26.0, report.filter(|_| note.is_usable()));
            say(ui, note, report);
            is_clicked
        })
        .inner
}

/// The disk: what is taken, and what is free.
fn space(ui: &mut Ui, width: f32, report: Option<&FolderReport>) {
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(width, 8.0), Sense::hover());
    let radius = CornerRadius::same(4);
    ui.painter().rect_stroke(rect, radius, theme.strong_stroke(), egui::StrokeKind::Inside);
    let Some(report) = report.filter(|report| report.total_bytes > 0) else { return };
    let taken = report.total_bytes.saturating_sub(report.free_bytes);
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share to look at")]
    let share = (taken as f64 / report.total_bytes as f64) as f32;
    let filled = Rect::from_min_size(rect.min, vec2(rect.width() * share, rect.height()));
    ui.painter().rect_filled(filled, radius, theme.line_strong);
}

fn say(ui: &mut Ui, note: FolderNote, report: Option<&FolderReport>) {
    let (text, theme, format) = (FirstRunText::of(ui.ctx()), Theme::of(ui), Format::of(ui.ctx()));
    let (icon, color, mut words) = match note {
        FolderNote::Checking => (Icon::HOURGLASS, theme.text_3, text.checking().to_owned()),
        FolderNote::NotWhole => (Icon::INFO, theme.text_3, text.name_whole_path().to_owned()),
        FolderNote::CannotWrite => (Icon::WARNING_CIRCLE.fill(), theme.bad, text.cannot_write().to_owned()),
        FolderNote::Little(free) => (Icon::WARNING.fill(), theme.warn, text.little(&format.size(free))),
        FolderNote::Enough(free) => {
            (Icon::CHECK_CIRCLE.fill(), theme.accent, text.enough(&format.size(free)))
        }
    };
    if note.is_usable() && report.is_some_and(|report| !report.is_there) {
        words = format!("{words} {}", text.will_be_made());
    }
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(16.0, 16.0), Sense::hover());
        draw_icon(ui.painter(), rect.center(), icon, theme::ICON, color);
        label(ui, &words, theme::regular(theme::META), theme.text_2);
    });
}
