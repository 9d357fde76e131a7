//! Where games go: the path, how full its disk is, and whether it will do.

use egui::{CornerRadius, Frame, Margin, Sense, Ui, vec2};

use crate::icon::Icon;
use crate::model::{FolderNote, FolderReport, KnownParty};
use crate::text::{FirstRunText, Format};
use crate::theme::{self, Theme};
use crate::widgets::{Button, Field, draw_icon, label, space_bar};

/// True when the system's dialog is to open.
pub(super) fn card(
    ui: &mut Ui,
    width: f32,
    path: &mut String,
    note: FolderNote,
    report: Option<&FolderReport>,
    party: Option<&KnownParty>,
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
            space(ui, width - 26.0, report.filter(|_| note.is_usable()), party);
            say(ui, note, report, party);
            is_clicked
        })
        .inner
}

/// The disk: what is taken, what the party's games would take, and what is free.
fn space(ui: &mut Ui, width: f32, report: Option<&FolderReport>, party: Option<&KnownParty>) {
    let (theme, text) = (Theme::of(ui), FirstRunText::of(ui.ctx()));
    let (free, total) = report.map_or((0, 0), |report| (report.free_bytes, report.total_bytes));
    let needed = party.and_then(|party| party.bytes).unwrap_or(0);
    let pieces = [(total.saturating_sub(free), theme.line_strong), (needed, theme.accent)];
    space_bar(ui, text.space(), &pieces, total, vec2(width, 8.0));
}

fn say(ui: &mut Ui, note: FolderNote, report: Option<&FolderReport>, party: Option<&KnownParty>) {
    let (text, theme, format) = (FirstRunText::of(ui.ctx()), Theme::of(ui), Format::of(ui.ctx()));
    let all = party.and_then(|party| Some(text.all_games(party.games, &format.size(party.bytes?))));
    let (icon, color, mut words) = match note {
        FolderNote::Checking => (Icon::HOURGLASS, theme.text_3, text.checking().to_owned()),
        FolderNote::NotWhole => (Icon::INFO, theme.text_3, text.name_whole_path().to_owned()),
        FolderNote::CannotWrite => (Icon::WARNING_CIRCLE.fill(), theme.bad, text.cannot_write().to_owned()),
        FolderNote::Little(free) if all.is_some() => {
            (Icon::WARNING.fill(), theme.warn, text.only(&format.size(free)))
        }
        FolderNote::Little(free) => (Icon::WARNING.fill(), theme.warn, text.little(&format.size(free))),
        FolderNote::Enough(free) => {
            (Icon::CHECK_CIRCLE.fill(), theme.accent, text.enough(&format.size(free)))
        }
    };
    if let Some(all) = all.filter(|_| note.is_usable()) {
        words = format!("{words} {all}");
    }
    if note.is_usable() && report.is_some_and(|report| !report.is_there) {
        words = format!("{words} {}", text.will_be_made());
    }
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(16.0, 16.0), Sense::hover());
        draw_icon(ui.painter(), rect.center(), icon, theme::ICON, color);
        label(ui, &words, theme::regular(theme::META), theme.text_2);
    });
}
