//! This PC, another one by its address, and the checks.

use egui::{Margin, Role, Ui, WidgetInfo};
use lanspread_peer::api::PeerAddress;

use super::State;
use crate::action::Action;
use crate::icon::Icon;
use crate::model::{Check, PartyModel};
use crate::text::{Common, Format, FrameText, PartyText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, Field, avatar, label};

pub(super) fn show(ui: &mut Ui, model: &PartyModel, state: &mut State, width: f32) -> Option<Action> {
    panel(ui, width, |ui| you(ui, model));
    let mut action = None;
    panel(ui, width, |ui| action = add(ui, model, state));
    panel(ui, width, |ui| checks(ui, model));
    action
}

fn panel(ui: &mut Ui, width: f32, content: impl FnOnce(&mut Ui)) {
    let theme = Theme::of(ui);
    let frame = egui::Frame::new()
        .fill(theme.surface_1)
        .stroke(theme.line_stroke())
        .corner_radius(theme::R_PANEL)
        .inner_margin(Margin::same(16));
    frame.show(ui, |ui| {
        ui.set_width(width - 34.0);
        ui.spacing_mut().item_spacing = egui::vec2(8.0, 6.0);
        content(ui);
    });
}

fn you(ui: &mut Ui, model: &PartyModel) {
    let theme = Theme::of(ui);
    let (text, format) = (PartyText::of(ui.ctx()), Format::of(ui.ctx()));
    let you = &model.you;
    ui.horizontal(|ui| {
        avatar(ui, &you.name, 40.0);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            label(ui, &text.you(&you.name), theme::medium(theme::BODY), theme.text_1);
            let address = you.address.map_or_else(
                || FrameText::of(ui.ctx()).not_connected().to_owned(),
                |address| address.ip().to_string(),
            );
            label(ui, &address, theme::regular(theme::META), theme.text_2);
        });
    });
    for (name, value) in [
        (text.sharing(), text.games(you.games)),
        (text.sent(), format.size(you.sent)),
        (text.received(), format.size(you.received)),
    ] {
        pair(ui, name, &value, theme.text_1);
    }
}

/// A word at the left, its value at the right.
fn pair(ui: &mut Ui, name: &str, value: &str, color: egui::Color32) {
    let theme = Theme::of(ui);
    ui.horizontal(|ui| {
        label(ui, name, theme::regular(theme::DENSE), theme.text_2);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            label(ui, value, theme::medium(theme::DENSE), color);
        });
    });
}

/// Checks the form while it is typed, then looks until the PC is here.
fn add(ui: &mut Ui, model: &PartyModel, state: &mut State) -> Option<Action> {
    let theme = Theme::of(ui);
    let text = PartyText::of(ui.ctx());
    label(ui, text.add_title(), theme::medium(theme::BODY), theme.text_1);
    label(ui, text.add_why(), theme::regular(theme::META), theme.text_2);
    let typed = state.address.trim().to_owned();
    let address = typed.parse::<PeerAddress>().ok();
    let error = (!typed.is_empty() && address.is_none()).then(|| text.wrong_form());
    let button = Button::new(text.add()).disabled(address.is_none().then(|| text.wrong_form()));
    let width = ui.available_width() - button.natural_width(ui) - 8.0;
    let is_asked = ui
        .horizontal_top(|ui| {
            let field = Field::new(&mut state.address, text.address()).placeholder("192.168.10.77");
            let field = field.limit(80).error(error).width(width).show(ui);
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            button.show(ui).clicked() || entered
        })
        .inner;
    if let Some(ip) = state.looking {
        let words = match model.at(ip) {
            Some(peer) => text.added(&peer.name),
            None => text.looking_for(&ip.to_string()),
        };
        label(ui, &words, theme::regular(theme::META), theme.text_2);
    }
    let address = address.filter(|_| is_asked)?;
    state.looking = address.socket_addrs().first().map(std::net::SocketAddr::ip);
    state.address.clear();
    Some(Action::AddPeer(typed))
}

fn checks(ui: &mut Ui, model: &PartyModel) {
    let theme = Theme::of(ui);
    let text = PartyText::of(ui.ctx());
    let title = Common::of(ui.ctx()).cant_see_someone();
    label(ui, title, theme::medium(theme::BODY), theme.text_1);
    label(ui, text.checks(), theme::regular(theme::META), theme.text_2);
    let address = model.you.address;
    let reached = model.peers.iter().find(|peer| peer.is_connected);
    let found = model.checks;
    let adapter = match (found.adapter, address) {
        (Check::Ok, Some(address)) => address.to_string(),
        (Check::Problem, Some(_)) => text.not_ready().to_owned(),
        (Check::Problem, None) => text.no_adapter().to_owned(),
        (Check::Unknown | Check::Ok, _) => String::new(),
    };
    let firewall = match (reached, address) {
        (Some(_), _) => text.firewall_open().to_owned(),
        (None, Some(address)) => text.firewall_unknown(address.port()),
        (None, None) => String::new(),
    };
    let reach = reached.map_or_else(|| text.nobody_reached().to_owned(), |peer| text.reached(&peer.name));
    for (name, check, words) in [
        (text.adapter(), found.adapter, adapter),
        (text.firewall(), found.firewall, firewall),
        (text.multicast(), found.multicast, text.multicast_unknown().to_owned()),
        (text.direct_reach(), found.reach, reach),
    ] {
        one_check(ui, name, check, &words);
    }
}

fn one_check(ui: &mut Ui, name: &str, check: Check, words: &str) {
    let theme = Theme::of(ui);
    let text = PartyText::of(ui.ctx());
    let (icon, result, color) = match check {
        Check::Unknown => (Icon::CLOCK, text.unknown(), theme.text_3),
        Check::Ok => (Icon::CHECK_CIRCLE.fill(), text.ok(), theme.accent),
        Check::Problem => (Icon::X_CIRCLE.fill(), text.problem(), theme.bad),
    };
    ui.add_space(6.0);
    let row = ui.horizontal(|ui| {
        label(ui, &icon.text(), icon.font(18.0), color);
        pair(ui, name, result, color);
    });
    let said = text.check(name, result);
    row.response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
    if !words.is_empty() {
        let words = egui::RichText::new(words).font(theme::regular(theme::META)).color(theme.text_2);
        ui.add(egui::Label::new(words).wrap());
    }
}
