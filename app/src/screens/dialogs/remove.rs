//! Before something goes from this PC: what of it.

use egui::{CornerRadius, Frame, Margin, Ui};
use lanspread_engine::{Command, Saves};
use lanspread_protocol::GameId;

use super::{buttons, focus_first, head, line, listed};
use crate::action::{Action, RemoveWhat};
use crate::icon::Icon;
use crate::model::RemoveModel;
use crate::text::{DialogsText, Format};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, Dialog, Meaning, checkbox};

/// What is ticked, for one game.
#[derive(Debug, Default)]
pub(super) struct Ticks {
    of: Option<GameId>,
    download: bool,
    installed: bool,
    saves: bool,
}

impl Ticks {
    fn begin(&mut self, model: &RemoveModel) {
        *self = Self {
            of: Some(model.id.clone()),
            download: model.first == RemoveWhat::Download && model.download.is_some(),
            installed: model.first == RemoveWhat::Installed && model.is_installed,
            saves: false,
        };
    }

    /// What goes, if all of it is counted.
    fn bytes(&self, model: &RemoveModel) -> Option<u64> {
        let parts =
            [(self.download, model.download), (self.installed, model.installed), (self.saves, model.saves)];
        let ticked = parts.into_iter().filter(|(is_ticked, _)| *is_ticked).map(|(_, bytes)| bytes);
        ticked.sum::<Option<u64>>().filter(|bytes| *bytes > 0)
    }

    fn command(&self, game: GameId) -> Option<Command> {
        let saves = if self.saves { Saves::Delete } else { Saves::Keep };
        match (self.download, self.installed) {
            (true, installed) => Some(Command::Remove { game, local: installed.then_some(saves) }),
            (false, true) => Some(Command::Uninstall { game, saves }),
            (false, false) => None,
        }
    }
}

pub(super) fn show(ui: &Ui, model: &RemoveModel, ticks: &mut Ticks) -> Option<Action> {
    let text = DialogsText::of(ui.ctx());
    let title = text.remove_title(&model.title);
    let outcome = Dialog::new(&title).show(ui, |ui, is_new| {
        if is_new || ticks.of.as_ref() != Some(&model.id) {
            ticks.begin(model);
        }
        head(ui, Meaning::Bad, Icon::TRASH, &title, text.choose_what());
        rows(ui, model, ticks);
        ui.add_space(4.0);
        if ticks.download {
            if !model.receivers.is_empty() {
                let stops = text.sending_stops(model.receivers.len(), &listed(&model.receivers));
                line(ui, Meaning::Leaving, Icon::ARROW_UP, &stops);
            }
            if model.others > 0 {
                line(ui, Meaning::Good, Icon::HARD_DRIVES, &text.others_have_it(model.others));
            } else {
                line(ui, Meaning::Warn, Icon::WARNING, text.only_you());
            }
        }
        choose(ui, model, ticks, is_new)
    });
    outcome.inner.or_else(|| outcome.escaped.then_some(Action::CloseDialog))
}

fn rows(ui: &mut Ui, model: &RemoveModel, ticks: &mut Ticks) {
    let theme = Theme::of(ui);
    let (text, format) = (DialogsText::of(ui.ctx()), Format::of(ui.ctx()));
    let size = |bytes: Option<u64>| bytes.map(|bytes| format.size(bytes)).unwrap_or_default();
    let frame = Frame::new()
        .fill(theme.field)
        .stroke(theme.strong_stroke())
        .corner_radius(CornerRadius::same(theme::R_FLOATING))
        .inner_margin(Margin::symmetric(16, 8));
    frame.show(ui, |ui| {
        if let Some(bytes) = model.download {
            row(ui, text.download(), text.download_line(), &size(Some(bytes)), &mut ticks.download);
        }
        if model.is_installed {
            row(ui, text.installed(), text.installed_line(), &size(model.installed), &mut ticks.installed);
        }
        if model.is_installed && ticks.installed {
            let below = if ticks.saves { text.saves_gone() } else { text.saves_kept() };
            row(ui, text.saves(), below, &size(model.saves), &mut ticks.saves);
        }
        ticks.saves &= ticks.installed;
    });
}

fn row(ui: &mut Ui, name: &str, below: &str, size: &str, is_on: &mut bool) {
    let theme = Theme::of(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(44.0);
        if checkbox(ui, name, *is_on).clicked() {
            *is_on = !*is_on;
        }
        ui.add_space(4.0);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.add_space(4.0);
            crate::widgets::label(ui, name, theme::medium(theme::BODY), theme.text_1);
            crate::widgets::label(ui, below, theme::regular(theme::META), theme.text_2);
        });
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            crate::widgets::label(ui, size, theme::medium(theme::BODY), theme.text_1);
        });
    });
}

fn choose(ui: &mut Ui, model: &RemoveModel, ticks: &Ticks, is_new: bool) -> Option<Action> {
    let text = DialogsText::of(ui.ctx());
    let command = ticks.command(model.id.clone());
    let label = match ticks.bytes(model) {
        Some(bytes) => text.remove_size(&Format::of(ui.ctx()).size(bytes)),
        None => text.remove().to_owned(),
    };
    let running = text.is_running(&model.title);
    let why = if model.is_running {
        Some(running.as_str())
    } else {
        command.is_none().then(|| text.nothing_chosen())
    };
    buttons(ui, |ui| {
        let remove = Button::new(&label).kind(ButtonKind::Danger).icon(Icon::TRASH).disabled(why).show(ui);
        let keep = Button::new(text.keep_it()).show(ui);
        focus_first(&keep, is_new);
        if remove.clicked() {
            return command.map(Action::Command);
        }
        keep.clicked().then_some(Action::CloseDialog)
    })
}
