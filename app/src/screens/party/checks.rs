//! *Can't see someone?*: four checks, each with a plain result and one thing to do.

use std::time::Instant;

use egui::{Align, Label, Layout, Rangef, Rect, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use lanspread_peer::api::{CheckReason, CheckResult};

use super::side::{self, panel};
use super::{Beside, State, firewall};
use crate::action::{Action, Screen};
use crate::icon::Icon;
use crate::model::{Checks, PartyModel};
use crate::text::{Common, Format, PartyText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, ButtonSize, Meaning, draw_icon, icon_button, label};

/// Above and below what stands between two lines.
const PAD: f32 = 14.0;

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
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                label(ui, common.cant_see_someone(), theme::medium(theme::SECTION), theme.text_1);
                label(ui, text.always_current(), theme::regular(theme::META), theme.text_2);
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if icon_button(ui, Icon::X, common.close(), ButtonKind::Ghost, ButtonSize::Row).clicked() {
                    state.beside = Beside::You;
                }
            });
        });
        ui.add_space(PAD);
        divider(ui);
        let asked = [
            adapter(ui, &model.checks),
            firewall::show(ui, &model.checks, state),
            multicast(ui, &model.checks, state),
            reach(ui, model, state, now),
        ];
        action = asked.into_iter().flatten().next();
        ui.add_space(PAD);
        ui.horizontal(|ui| {
            let again = Button::new(text.check_again()).icon(Icon::ARROW_CLOCKWISE).size(ButtonSize::Row);
            if again.show(ui).clicked() {
                action = Some(Action::RunChecks);
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

fn adapter(ui: &mut Ui, checks: &Checks) -> Option<Action> {
    let text = PartyText::of(ui.ctx());
    let found = checks.adapters.iter().map(|adapter| {
        let addresses = adapter.addresses.iter().filter(|address| address.is_ipv4());
        let words = std::iter::once(adapter.name.clone()).chain(addresses.map(ToString::to_string));
        words.collect::<Vec<_>>().join(", ")
    });
    let found = found.collect::<Vec<_>>().join("; ");
    let words = match checks.adapter {
        _ if checks.is_down => text.not_ready().to_owned(),
        CheckResult::Limited(CheckReason::OnlyWiFi) => text.only_wifi(&found),
        CheckResult::Limited(CheckReason::OnlyVirtual) => text.only_virtual(&found),
        CheckResult::Problem(_) => text.no_adapter().to_owned(),
        CheckResult::Ok | CheckResult::Limited(_) | CheckResult::Unknown => found,
    };
    check(ui, text.adapter(), checks.adapter, &words, |ui| {
        let settings = Button::new(text.choose_adapter()).icon(Icon::PLUGS).size(ButtonSize::Row);
        let is_wrong = matches!(checks.adapter, CheckResult::Problem(_) | CheckResult::Limited(_));
        (is_wrong && settings.show(ui).clicked()).then_some(Action::Navigate(Screen::Settings))
    })
}

fn multicast(ui: &mut Ui, checks: &Checks, state: &mut State) -> Option<Action> {
    let text = PartyText::of(ui.ctx());
    let words = match checks.multicast {
        CheckResult::Ok => text.multicast_works(),
        CheckResult::Limited(CheckReason::SwitchedOff) => text.multicast_off(),
        CheckResult::Limited(_) | CheckResult::Problem(_) => text.multicast_silent(),
        CheckResult::Unknown => text.multicast_unknown(),
    };
    check(ui, text.multicast(), checks.multicast, words, |ui| {
        if checks.multicast == CheckResult::Ok {
            return None;
        }
        let add = Button::new(Common::of(ui.ctx()).add_by_address()).icon(Icon::PLUS).size(ButtonSize::Row);
        state.to_address |= add.show(ui).clicked();
        None
    })
}

fn reach(ui: &mut Ui, model: &PartyModel, state: &mut State, now: Instant) -> Option<Action> {
    let (text, format) = (PartyText::of(ui.ctx()), Format::of(ui.ctx()));
    let checks = &model.checks;
    let mut words = match &checks.answers {
        Some((name, Some(rtt))) => text.reached_in(name, &format.ping(*rtt)),
        Some((name, None)) => text.reached(name),
        None => text.nobody_reached().to_owned(),
    };
    if checks.reach == CheckResult::Limited(CheckReason::NothingInbound) {
        words = format!("{} {words}", text.nothing_inbound());
    }
    if let Some(port) = checks.port.filter(|_| checks.is_other_port) {
        words = format!("{words} {}", text.other_port(port));
    }
    check(ui, text.direct_reach(), checks.reach, &words, |ui| {
        side::address(ui, model, state, text.test(), now)
    })
}

fn indented<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal_top(|ui| {
        ui.add_space(28.0);
        ui.vertical(content).inner
    })
    .inner
}

/// A check with its result, what it means, and at most one thing to do.
pub(super) fn check<R>(
    ui: &mut Ui,
    name: &str,
    result: CheckResult,
    words: &str,
    fix: impl FnOnce(&mut Ui) -> Option<R>,
) -> Option<R> {
    let (text, theme) = (PartyText::of(ui.ctx()), Theme::of(ui));
    let (icon, said, meaning) = match result {
        CheckResult::Unknown => (Icon::CLOCK, text.unknown(), Meaning::Neutral),
        CheckResult::Ok => (Icon::CHECK_CIRCLE.fill(), text.ok(), Meaning::Good),
        CheckResult::Limited(_) => (Icon::WARNING.fill(), text.limited(), Meaning::Warn),
        CheckResult::Problem(_) => (Icon::X_CIRCLE.fill(), text.problem(), Meaning::Bad),
    };
    let color = meaning.color(theme);
    let ground = ui.painter().add(egui::Shape::Noop);
    let top = ui.cursor().top();
    ui.add_space(PAD);
    ui.horizontal(|ui| {
        let (place, response) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
        let name_and_result = text.check(name, said);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name_and_result));
        draw_icon(ui.painter(), place.center(), icon, 18.0, color);
        label(ui, name, theme::medium(theme::BODY), theme.text_1);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            label(ui, said, theme::medium(theme::META), color);
        });
    });
    ui.add_space(4.0);
    let answer = indented(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 8.0;
        if !words.is_empty() {
            let words = RichText::new(words).font(theme::regular(theme::DENSE)).color(theme.text_2);
            ui.add(Label::new(words).wrap());
        }
        fix(ui)
    });
    ui.add_space(PAD);
    if meaning == Meaning::Bad {
        let x = whole_width(ui);
        let rect = Rect::from_min_max(pos2(x.min, top), pos2(x.max, ui.cursor().top()));
        ui.painter().set(ground, egui::Shape::rect_filled(rect, 0, theme.bad_tint));
    }
    divider(ui);
    answer
}

/// From edge to edge of the panel.
fn divider(ui: &Ui) {
    ui.painter().hline(whole_width(ui), ui.cursor().top(), Theme::of(ui).line_stroke());
}

fn whole_width(ui: &Ui) -> Rangef {
    ui.max_rect().x_range().expand(15.0)
}
