//! The questions before something changes.

mod error;
mod first_start;
mod folder;
mod organise;
mod quit;
mod remove;
mod settings;
#[cfg(test)]
mod tests;
mod update;

use egui::{Align, CornerRadius, Layout, Response, Sense, Ui, pos2, vec2};

use super::Scene;
use crate::action::Action;
use crate::icon::Icon;
use crate::model::DialogsModel;
use crate::theme::{self, Theme};
use crate::widgets::{FocusBelow, Meaning, draw_icon};

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {
    remove: remove::Ticks,
    party: String,
    /// What had the focus before the dialog opened.
    pub(crate) below: FocusBelow,
}

/// What a person wants; a dialog whose answer is carried out closes.
pub fn show(ui: &mut Ui, scene: &mut Scene<'_>, model: &DialogsModel, state: &mut State) -> Vec<Action> {
    let action = match model {
        DialogsModel::Update(model) => update::show(ui, scene.covers, model),
        DialogsModel::Remove(model) => remove::show(ui, model, &mut state.remove),
        DialogsModel::Error(model) => error::show(ui, model),
        DialogsModel::Quit(model) => quit::show(ui, model),
        DialogsModel::Trust(model) => settings::trust(ui, model),
        DialogsModel::MoveGames(model) => settings::move_games(ui, model),
        DialogsModel::FirstStart(model) => first_start::show(ui, model),
        DialogsModel::Folder(model) => folder::show(ui, model),
        DialogsModel::Organise => organise::show(ui, &mut state.party),
    };
    let is_answered = matches!(
        action,
        Some(
            Action::Command(_)
                | Action::Browse(..)
                | Action::Play(_)
                | Action::StartUnverified(_)
                | Action::Organise(_)
                | Action::ChooseFiles(_)
                | Action::MoveGames(_)
                | Action::UseGames(_)
        )
    );
    action.into_iter().chain(is_answered.then_some(Action::CloseDialog)).collect()
}

/// The first names; more would be no dialog any more.
fn listed(names: &[String]) -> String {
    const MOST: usize = 4;
    let first = names.iter().take(MOST).map(String::as_str);
    let rest = (names.len() > MOST).then_some("…");
    first.chain(rest).collect::<Vec<_>>().join(", ")
}

/// A sentence behind its icon.
fn line(ui: &mut Ui, meaning: Meaning, icon: Icon, words: &str) {
    let theme = Theme::of(ui);
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(24.0, 24.0), Sense::hover());
        let at = pos2(rect.left() + 10.0, rect.center().y);
        draw_icon(ui.painter(), at, icon, theme::ICON_LIST, meaning.color(theme));
        text(ui, words, theme.text_2);
    });
}

fn text(ui: &mut Ui, words: &str, color: egui::Color32) {
    let words =
        egui::RichText::new(words).font(theme::regular(theme::BODY)).color(color).line_height(Some(20.0));
    ui.add(egui::Label::new(words).wrap());
}

/// A tile with an icon, the title beside it, a line below the title.
fn head(ui: &mut Ui, meaning: Meaning, icon: Icon, title: &str, below: &str) {
    let theme = Theme::of(ui);
    ui.horizontal_top(|ui| {
        let (tile, _) = ui.allocate_exact_size(vec2(44.0, 44.0), Sense::hover());
        ui.painter().rect_filled(tile, CornerRadius::same(theme::R_FLOATING), meaning.tint(theme));
        draw_icon(ui.painter(), tile.center(), icon, theme::ICON_RAIL, meaning.color(theme));
        ui.add_space(8.0);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            let words = egui::RichText::new(title).font(theme::bold(theme::TITLE)).color(theme.text_1);
            ui.add(egui::Label::new(words).wrap());
            text(ui, below, theme.text_2);
        });
    });
    ui.add_space(12.0);
}

/// The buttons at the lower right, from right to left.
fn buttons<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.add_space(12.0);
    let size = vec2(ui.available_width(), 36.0);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), content).inner
}

fn focus_first(response: &Response, is_new: bool) {
    if is_new {
        response.request_focus();
    }
}
