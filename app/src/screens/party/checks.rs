//! *Can't see someone?*: four checks, each with a plain result and one thing to do.

use std::net::SocketAddr;
use std::time::Instant;

use egui::{Align, Layout, Role, Sense, Ui, WidgetInfo, vec2};

use super::side::{self, panel};
use super::{Beside, State};
use crate::action::{Action, Screen};
use crate::icon::Icon;
use crate::model::{Check, PartyModel};
use crate::text::{Common, PartyText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, ButtonSize, Meaning, draw_icon, icon_button, label};

pub(super) fn show(
    ui: &mut Ui,
    model: &PartyModel,
    state: &mut State,
    width: f32,
    now: Instant,
) -> Option<Action> {
    let (text, common) = (PartyText::of(ui.ctx()), Common::of(ui.ctx()));
    let mut action = None;
    panel(ui, width, |ui| {
        let theme = Theme::of(ui);
        ui.horizontal(|ui| {
            label(ui, common.cant_see_someone(), theme::medium(theme::SECTION), theme.text_1);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if icon_button(ui, Icon::X, common.close(), ButtonKind::Ghost, ButtonSize::Row).clicked() {
                    state.beside = Beside::You;
                }
            });
        });
        ui.separator();
        action = adapter(ui, model);
        ui.separator();
        firewall(ui, model, state);
        ui.separator();
        check(ui, text.multicast(), model.checks.multicast, text.multicast_unknown());
        ui.separator();
        let reached = model.peers.iter().find(|peer| peer.is_connected);
        let words = reached.map_or_else(|| text.nobody_reached().to_owned(), |peer| text.reached(&peer.name));
        check(ui, text.direct_reach(), model.checks.reach, &words);
        action = action.take().or(side::address(ui, model, state, text.test(), now));
        ui.separator();
        ui.horizontal(|ui| {
            let again = Button::new(text.check_again()).icon(Icon::ARROW_CLOCKWISE).size(ButtonSize::Row);
            if again.show(ui).clicked() {
                action = Some(Action::LookAgain);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let copy = Button::new(common.copy_report()).icon(Icon::COPY).kind(ButtonKind::Ghost);
                if copy.size(ButtonSize::Row).show(ui).clicked() {
                    action = Some(Action::CopyReport);
                }
            });
        });
    });
    action
}

fn adapter(ui: &mut Ui, model: &PartyModel) -> Option<Action> {
    let text = PartyText::of(ui.ctx());
    let words = match (model.checks.adapter, model.you.address) {
        (Check::Ok, Some(address)) => address.to_string(),
        (Check::Problem, Some(_)) => text.not_ready().to_owned(),
        (Check::Problem, None) => text.no_adapter().to_owned(),
        (Check::Unknown | Check::Ok, _) => String::new(),
    };
    check(ui, text.adapter(), model.checks.adapter, &words);
    if model.checks.adapter != Check::Problem {
        return None;
    }
    let settings = Button::new(text.choose_adapter()).icon(Icon::PLUGS).size(ButtonSize::Row);
    let is_clicked = indented(ui, |ui| settings.show(ui).clicked());
    is_clicked.then_some(Action::Navigate(Screen::Settings))
}

fn firewall(ui: &mut Ui, model: &PartyModel, state: &mut State) {
    let (text, theme) = (PartyText::of(ui.ctx()), Theme::of(ui));
    let is_reached = model.peers.iter().any(|peer| peer.is_connected);
    let port = model.you.address.map(|address: SocketAddr| address.port());
    let words = match (is_reached, port) {
        (true, _) => text.firewall_open().to_owned(),
        (false, Some(port)) => text.firewall_unknown(port),
        (false, None) => String::new(),
    };
    check(ui, text.firewall(), model.checks.firewall, &words);
    let Some(port) = port.filter(|_| !is_reached) else { return };
    let how = Button::new(text.show_how()).icon(Icon::SHIELD_CHECK).size(ButtonSize::Row);
    if indented(ui, |ui| how.show(ui).clicked()) {
        state.shows_how = !state.shows_how;
    }
    if state.shows_how {
        let how = if cfg!(windows) { text.how_windows(port) } else { text.how_linux(port) };
        indented(ui, |ui| {
            let words = egui::RichText::new(how).font(theme::regular(theme::DENSE)).color(theme.text_1);
            ui.add(egui::Label::new(words).wrap().selectable(true));
        });
    }
}

fn indented<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal_top(|ui| {
        ui.add_space(28.0);
        ui.vertical(content).inner
    })
    .inner
}

fn check(ui: &mut Ui, name: &str, check: Check, words: &str) {
    let (text, theme) = (PartyText::of(ui.ctx()), Theme::of(ui));
    let (icon, result, meaning) = match check {
        Check::Unknown => (Icon::CLOCK, text.unknown(), Meaning::Neutral),
        Check::Ok => (Icon::CHECK_CIRCLE.fill(), text.ok(), Meaning::Good),
        Check::Problem => (Icon::X_CIRCLE.fill(), text.problem(), Meaning::Bad),
    };
    let color = meaning.color(theme);
    ui.horizontal(|ui| {
        let (place, response) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
        let said = text.check(name, result);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
        draw_icon(ui.painter(), place.center(), icon, 18.0, color);
        label(ui, name, theme::medium(theme::BODY), theme.text_1);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            label(ui, result, theme::medium(theme::META), color);
        });
    });
    if !words.is_empty() {
        indented(ui, |ui| {
            let words = egui::RichText::new(words).font(theme::regular(theme::DENSE)).color(theme.text_2);
            ui.add(egui::Label::new(words).wrap());
        });
    }
}
