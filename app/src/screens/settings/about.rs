//! The network, the program, and what to tell who helps.

use egui::Ui;

use super::{State, between, row};
use crate::action::{Action, Setting};
use crate::icon::Icon;
use crate::model::SettingsModel;
use crate::text::{Common, SettingsText};
use crate::widgets::{Button, Meaning, MenuItem, menu_field, menu_popup, tag};

pub(super) fn network(ui: &mut Ui, model: &SettingsModel, state: &State) -> Option<Action> {
    let text = SettingsText::of(ui.ctx());
    let outside = || model.addresses.iter().filter(|address| !address.ip().is_loopback());
    let addresses: Vec<String> = outside().map(|address| address.ip().to_string()).collect();
    let line = if addresses.is_empty() { text.not_running().to_owned() } else { addresses.join(", ") };
    let action = row(ui, text.addresses(), &line, |ui| {
        let help = Button::new(Common::of(ui.ctx()).cant_see_someone()).icon(Icon::FIRST_AID_KIT).show(ui);
        help.clicked().then_some(Action::RunChecks)
    });
    between(ui);
    let chosen = adapter(ui, model, state);
    between(ui);
    let port = model.addresses.first().filter(|_| model.is_running).map(std::net::SocketAddr::port);
    let line = port.map_or_else(|| text.not_running().to_owned(), |port| text.port_is(port));
    row(ui, text.port(), &line, |ui| match (port, model.is_reached) {
        (Some(_), true) => drop(tag(ui, Meaning::Good, Some(Icon::CHECK), text.reachable())),
        (Some(_), false) => drop(tag(ui, Meaning::Neutral, None, text.nobody_yet())),
        (None, _) => {}
    });
    action.or(chosen)
}

/// All adapters, or only one. What uses them starts again with the choice.
fn adapter(ui: &mut Ui, model: &SettingsModel, state: &State) -> Option<Action> {
    let text = SettingsText::of(ui.ctx());
    let chosen = state.chosen.adapter.as_ref();
    let line = if model.is_busy { text.adapter_busy() } else { text.adapter_for() };
    row(ui, text.adapter(), line, |ui| {
        let value = chosen.map_or_else(|| text.all_adapters(), String::as_str);
        let field = menu_field(ui, text.adapter(), value, 200.0);
        if model.is_busy {
            return None;
        }
        let choices = std::iter::once(None).chain(model.adapters.iter().map(Some));
        let clicked = menu_popup(&field, 200.0, |ui| {
            let mut clicked = None;
            for choice in choices {
                let name = choice.map_or_else(|| text.all_adapters(), String::as_str);
                if MenuItem::new(Icon::PLUGS, name).chosen(choice == chosen).show(ui) {
                    clicked = Some(choice.cloned());
                }
            }
            clicked
        });
        clicked.flatten().map(|choice| Action::Set(Setting::Adapter(choice)))
    })
}

pub(super) fn show(ui: &mut Ui) -> Option<Action> {
    let text = SettingsText::of(ui.ctx());
    row(ui, &text.program(env!("CARGO_PKG_VERSION")), text.free_software(), |_| {});
    between(ui);
    row(ui, text.diagnostics(), text.diagnostics_for(), |ui| {
        let copy = Button::new(Common::of(ui.ctx()).copy_report()).icon(Icon::COPY).show(ui).clicked();
        let log = Button::new(text.open_log()).icon(Icon::FILE_TEXT).show(ui).clicked();
        if copy {
            return Some(Action::CopyReport);
        }
        log.then_some(Action::OpenLog)
    })
}
