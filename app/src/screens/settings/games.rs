//! Where the games are.

use egui::{Sense, Ui, vec2};

use super::{State, row};
use crate::action::{Action, FolderFor, Question};
use crate::icon::Icon;
use crate::model::SettingsModel;
use crate::text::{Common, Format, SettingsText};
use crate::widgets::{Bar, Button, ButtonKind, ButtonSize, icon_button, progress};

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

pub(super) fn show(ui: &mut Ui, model: &SettingsModel, state: &State) -> Option<Action> {
    let (text, format) = (SettingsText::of(ui.ctx()), Format::of(ui.ctx()));
    let mut line = format!("{} · {}", model.games_dir, text.games_take(&format.size(model.games_bytes)));
    if let Some(free) = model.free_bytes {
        line = format!("{line} · {}", text.free(&format.size(free)));
    }
    let why = match (&state.moving, model.is_busy) {
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
    if let Some(moving) = &state.moving {
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
        crate::widgets::label(
            ui,
            &said,
            crate::theme::regular(crate::theme::DENSE),
            crate::theme::Theme::of(ui).text_2,
        );
        ui.allocate_exact_size(vec2(1.0, 14.0), Sense::hover());
    }
    action
}
