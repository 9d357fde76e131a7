//! Where the games are.

use egui::{Align2, Color32, CornerRadius, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo, vec2};

use super::{State, row};
use crate::action::{Action, FolderFor, Question};
use crate::icon::Icon;
use crate::model::SettingsModel;
use crate::text::{Common, Format, SettingsText};
use crate::theme::{self, Theme};
use crate::widgets::{
    Bar, Button, ButtonKind, ButtonSize, draw_text, icon_button, label, progress, space_bar, text_width,
};

/// A folder was chosen: with games here, a question first what becomes of them.
pub(super) fn folder_answered(model: &SettingsModel, state: &mut State) -> Option<Action> {
    let folder = state.folder.take()?;
    if folder == std::path::Path::new(&model.games_dir) {
        return None;
    }
    Some(if model.games_bytes > 0 {
        Action::Ask(Question::MoveGames(folder))
    } else {
        Action::UseGames(folder)
    })
}

pub(super) fn show(ui: &mut Ui, model: &SettingsModel) -> Option<Action> {
    let (text, format) = (SettingsText::of(ui.ctx()), Format::of(ui.ctx()));
    let mut line = model.games_dir.clone();
    if model.disk.is_none() {
        line = format!("{line} · {}", text.games_take(&format.size(model.games_bytes)));
    }
    let why = match (&model.moving, model.is_busy) {
        (Some(_), _) => Some(text.folder_moving()),
        (None, true) => Some(text.folder_busy()),
        (None, false) => None,
    };
    let action = row(ui, text.game_folder(), &line, |ui| {
        let open = Common::of(ui.ctx()).open_folder();
        if icon_button(ui, Icon::ARROW_SQUARE_OUT, open, ButtonKind::Secondary, ButtonSize::Normal).clicked()
        {
            return Some(Action::ShowFolder(model.games_dir.clone().into()));
        }
        let change = Button::new(text.change_folder()).icon(Icon::FOLDER_OPEN).disabled(why).show(ui);
        change.clicked().then_some(Action::ChooseFolder(FolderFor::Games))
    });
    if let Some((free, total)) = model.disk {
        disk(ui, model.games_bytes, free, total);
    }
    if let Some(moving) = &model.moving {
        let said = text.moving(&format.size(moving.bytes_done), &format.size(moving.bytes_total));
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a share to look at"
        )]
        let share = (moving.bytes_done as f64 / moving.bytes_total.max(1) as f64) as f32;
        let width = ui.available_width();
        progress(ui, &said, Bar::Working(share), width, 6.0);
        ui.add_space(8.0);
        label(ui, &said, theme::regular(theme::DENSE), Theme::of(ui).text_2);
        ui.allocate_exact_size(vec2(1.0, 14.0), Sense::hover());
    }
    action
}

/// What of the disk the games take, what others do, and what is free.
fn disk(ui: &mut Ui, games: u64, free: u64, total: u64) {
    let (text, format, theme) = (SettingsText::of(ui.ctx()), Format::of(ui.ctx()), Theme::of(ui));
    let others = total.saturating_sub(free).saturating_sub(games);
    let parts = [
        (Some(theme.accent), text.disk_games(&format.size(games))),
        (Some(theme.line_strong), text.disk_others(&format.size(others))),
        (None, text.disk_free(&format.size(free), &format.size(total))),
    ];
    let name = parts.each_ref().map(|(_, words)| words.as_str()).join(". ");
    let pieces = [(games, theme.accent), (others, theme.line_strong)];
    let size = vec2(ui.available_width(), 10.0);
    ui.add_space(4.0);
    space_bar(ui, &name, &pieces, total, size);
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(16.0, 4.0);
        for (color, words) in parts {
            legend(ui, color, &words);
        }
    });
    ui.add_space(14.0);
}

/// The colour of a piece of the bar, and what it is; nothing but the outline is what is free.
fn legend(ui: &mut Ui, color: Option<Color32>, words: &str) {
    let theme = Theme::of(ui);
    let font = theme::regular(theme::META);
    let width = text_width(ui.painter(), words, font.clone());
    let (rect, response) = ui.allocate_exact_size(vec2(14.0 + width, 16.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    let sign = Rect::from_center_size(rect.left_center() + vec2(4.0, 0.0), vec2(8.0, 8.0));
    match color {
        Some(color) => ui.painter().rect_filled(sign, CornerRadius::same(2), color),
        None => {
            let line = theme.strong_stroke();
            ui.painter().rect_stroke(sign, CornerRadius::same(2), line, StrokeKind::Inside)
        }
    };
    let at = rect.left_center() + vec2(14.0, 0.0);
    draw_text(ui.painter(), at, Align2::LEFT_CENTER, words, font, theme.text_2);
}
