//! This PC, another one by its address, and the way to the checks.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use egui::{
    Align, CornerRadius, CursorIcon, Layout, Margin, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo, vec2,
};
use lanspread_peer::api::PeerAddress;

use super::{ANSWER, State};
use crate::action::Action;
use crate::icon::Icon;
use crate::model::PartyModel;
use crate::text::{Common, Format, FrameText, PartyText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, Field, avatar, draw_icon, focus_ring, label};

pub(super) fn show(
    ui: &mut Ui,
    model: &PartyModel,
    state: &mut State,
    width: f32,
    now: Instant,
) -> Option<Action> {
    panel(ui, width, |ui| you(ui, model));
    let mut action = None;
    panel(ui, width, |ui| action = add(ui, model, state, now));
    if help(ui, width) {
        action = Some(Action::RunChecks);
    }
    action
}

/// Answers where it is.
pub(super) fn panel(ui: &mut Ui, width: f32, content: impl FnOnce(&mut Ui)) -> Rect {
    let theme = Theme::of(ui);
    let frame = egui::Frame::new()
        .fill(theme.surface_1)
        .stroke(theme.line_stroke())
        .corner_radius(theme::R_PANEL)
        .inner_margin(Margin::same(16));
    let shown = frame.show(ui, |ui| {
        ui.set_width(width - 34.0);
        ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
        content(ui);
    });
    shown.response.rect
}

fn you(ui: &mut Ui, model: &PartyModel) {
    let theme = Theme::of(ui);
    let (text, format) = (PartyText::of(ui.ctx()), Format::of(ui.ctx()));
    let you = &model.you;
    ui.horizontal(|ui| {
        avatar(ui, &you.name, 40.0);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                label(ui, &you.name, theme::medium(theme::BODY), theme.text_1);
                label(ui, text.you(), theme::regular(theme::BODY), theme.text_3);
            });
            let address = you.address.map_or_else(
                || FrameText::of(ui.ctx()).not_connected().to_owned(),
                |address| address.ip().to_string(),
            );
            label(ui, &address, theme::regular(theme::META), theme.text_2);
        });
    });
    ui.separator();
    let mut shared = text.games(you.games);
    if you.bytes > 0 {
        shared = format!("{shared}, {}", format.size(you.bytes));
    }
    pair(ui, text.sharing(), None, &shared);
    pair(ui, text.sent(), Some((Icon::ARROW_UP, theme.leaving)), &format.size(you.sent));
    pair(ui, text.received(), Some((Icon::ARROW_DOWN, theme.arriving)), &format.size(you.received));
}

/// A word at the left, its value at the right, behind an icon.
fn pair(ui: &mut Ui, name: &str, icon: Option<(Icon, egui::Color32)>, value: &str) {
    let theme = Theme::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        label(ui, name, theme::regular(theme::DENSE), theme.text_2);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            label(ui, value, theme::medium(theme::DENSE), theme.text_1);
            if let Some((icon, color)) = icon {
                let (place, _) = ui.allocate_exact_size(vec2(14.0, 18.0), Sense::hover());
                draw_icon(ui.painter(), place.center(), icon.bold(), 14.0, color);
            }
        });
    });
}

fn add(ui: &mut Ui, model: &PartyModel, state: &mut State, now: Instant) -> Option<Action> {
    let theme = Theme::of(ui);
    let text = PartyText::of(ui.ctx());
    label(ui, text.add_title(), theme::medium(theme::BODY), theme.text_1);
    label(ui, text.add_why(), theme::regular(theme::META), theme.text_2);
    ui.add_space(6.0);
    address(ui, model, state, text.add(), now)
}

/// Checks the form while it is typed, then looks until the PC is here or nobody is to be expected any more.
pub(super) fn address(
    ui: &mut Ui,
    model: &PartyModel,
    state: &mut State,
    button: &str,
    now: Instant,
) -> Option<Action> {
    let text = PartyText::of(ui.ctx());
    let typed = state.address.trim().to_owned();
    let address = typed.parse::<PeerAddress>();
    let why = address.as_ref().err().map(|error| text.wrong_address(error));
    let error = why.filter(|_| !typed.is_empty());
    let button = Button::new(button).disabled(why);
    let width = ui.available_width() - button.natural_width(ui) - 8.0;
    let is_asked = ui
        .horizontal_top(|ui| {
            let field = Field::new(&mut state.address, text.address()).placeholder("192.168.10.77");
            let field = field.limit(80).error(error).width(width).show(ui);
            if std::mem::take(&mut state.to_address) {
                field.request_focus();
            }
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            button.show(ui).clicked() || entered
        })
        .inner;
    if let Some((ip, since)) = state.looking {
        looked(ui, model, ip, ANSWER.saturating_sub(now.saturating_duration_since(since)));
    }
    let address = address.ok().filter(|_| is_asked)?;
    state.looking = address.socket_addrs().first().map(|address| (address.ip(), now));
    state.address.clear();
    Some(Action::AddPeer(typed))
}

/// What became of an address that was added.
fn looked(ui: &mut Ui, model: &PartyModel, ip: IpAddr, left: Duration) {
    let (text, theme) = (PartyText::of(ui.ctx()), Theme::of(ui));
    let (words, color) = match model.at(ip) {
        Some(peer) => (text.added(&peer.name), theme.accent),
        None if left.is_zero() => (text.no_answer(&ip.to_string()), theme.warn),
        None => {
            ui.ctx().request_repaint_after(left);
            (text.looking_for(&ip.to_string()), theme.text_2)
        }
    };
    let words = egui::RichText::new(words).font(theme::regular(theme::META)).color(color);
    ui.add(egui::Label::new(words).wrap());
}

/// The way to the checks: all of the panel is the button.
fn help(ui: &mut Ui, width: f32) -> bool {
    let (text, common) = (PartyText::of(ui.ctx()), Common::of(ui.ctx()));
    let theme = Theme::of(ui);
    let rect = panel(ui, width, |ui| {
        ui.horizontal(|ui| {
            let (icon, _) = ui.allocate_exact_size(vec2(24.0, 36.0), Sense::hover());
            draw_icon(ui.painter(), icon.center(), Icon::FIRST_AID_KIT, theme::ICON_LIST, theme.text_2);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                label(ui, common.cant_see_someone(), theme::medium(theme::BODY), theme.text_1);
                label(ui, text.run_checks(), theme::regular(theme::META), theme.text_2);
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let (icon, _) = ui.allocate_exact_size(vec2(16.0, 36.0), Sense::hover());
                draw_icon(ui.painter(), icon.center(), Icon::CARET_RIGHT, theme::ICON, theme.text_3);
            });
        });
    });
    let response = ui.interact(rect, ui.scope_id().with("help"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, common.cant_see_someone()));
    if response.hovered() {
        let radius = CornerRadius::same(theme::R_PANEL);
        ui.painter().rect_stroke(rect, radius, theme.strong_stroke(), StrokeKind::Inside);
    }
    focus_ring(ui, &response, rect, theme::R_PANEL);
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}
