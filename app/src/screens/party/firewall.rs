//! What the firewall does with this program, and what mends it: a command, or whoever may change it.

use egui::{FontId, Frame, Label, Margin, RichText, Stroke, Ui};
use lanspread_peer::api::{CheckReason, CheckResult};
use lanspread_peer::firewall::AllowCommand;
use lanspread_protocol::DEFAULT_PORT;

use super::State;
use super::checks::check;
use crate::action::Action;
use crate::icon::Icon;
use crate::model::Checks;
use crate::text::PartyText;
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, ButtonSize, icon_button};

pub(super) fn show(ui: &mut Ui, checks: &Checks, state: &mut State) -> Option<Action> {
    let text = PartyText::of(ui.ctx());
    let port = checks.port.unwrap_or(DEFAULT_PORT);
    let result = checks.firewall;
    check(ui, text.firewall(), result, &words(text, checks, port), |ui| {
        if result == CheckResult::Ok || reason(result).and_then(|reason| to_do(text, reason)).is_some() {
            return None;
        }
        let is_problem = matches!(result, CheckResult::Problem(_));
        // What is shown then has a button of its own.
        let kind = if is_problem && !state.shows_how { ButtonKind::Primary } else { ButtonKind::Secondary };
        let how = Button::new(text.show_how()).icon(Icon::SHIELD_CHECK).kind(kind).size(ButtonSize::Row);
        if how.show(ui).clicked() {
            state.shows_how = !state.shows_how;
        }
        let shown = state.shows_how.then_some(checks.allow_command.as_ref());
        match shown {
            Some(Some(command)) => return allow(ui, command),
            Some(None) if cfg!(windows) => explain(ui, &text.how_windows(port)),
            Some(None) => explain(ui, &text.how_linux(port)),
            None => {}
        }
        None
    })
}

const fn reason(result: CheckResult) -> Option<CheckReason> {
    match result {
        CheckResult::Problem(reason) | CheckResult::Limited(reason) => Some(reason),
        CheckResult::Unknown | CheckResult::Ok => None,
    }
}

/// What keeps others out, what that means, and what to do where that is not shown by a button.
fn words(text: PartyText, checks: &Checks, port: u16) -> String {
    let (reason, means) = match checks.firewall {
        CheckResult::Ok => return text.firewall_open().to_owned(),
        CheckResult::Unknown => return text.firewall_unknown(port),
        CheckResult::Problem(reason) => (reason, text.firewall_keeps_out()),
        CheckResult::Limited(reason) => (reason, text.firewall_was_passed()),
    };
    let what = blocks(text, checks, reason);
    [what.as_str(), means].into_iter().chain(to_do(text, reason)).collect::<Vec<_>>().join(" ")
}

/// What keeps others out.
fn blocks(text: PartyText, checks: &Checks, reason: CheckReason) -> String {
    let rule = checks.blocking_rule.as_deref();
    match reason {
        CheckReason::PublicNetwork => text.public_network().to_owned(),
        CheckReason::NoRule => text.firewall_silent().to_owned(),
        CheckReason::AllBlocked => text.firewall_blocks_all().to_owned(),
        CheckReason::OtherRuleBlocks => rule
            .map_or_else(|| text.other_rule_blocks().to_owned(), |rule| text.other_rule_blocks_named(rule)),
        CheckReason::PolicyBlocks => {
            rule.map_or_else(|| text.policy_blocks().to_owned(), |rule| text.policy_blocks_named(rule))
        }
        CheckReason::OnlyPolicyRules => text.policy_silent().to_owned(),
        CheckReason::RuleBlocks
        | CheckReason::NoAdapter
        | CheckReason::OnlyWiFi
        | CheckReason::OnlyVirtual
        | CheckReason::SwitchedOff
        | CheckReason::NothingHeard
        | CheckReason::OtherPort
        | CheckReason::NothingInbound => text.firewall_blocks().to_owned(),
    }
}

/// What a person does where no command of ours helps.
fn to_do(text: PartyText, reason: CheckReason) -> Option<&'static str> {
    match reason {
        CheckReason::AllBlocked => Some(text.let_rules_count()),
        CheckReason::OtherRuleBlocks => Some(text.change_that_rule()),
        CheckReason::PolicyBlocks | CheckReason::OnlyPolicyRules => Some(text.ask_who_manages()),
        CheckReason::RuleBlocks
        | CheckReason::PublicNetwork
        | CheckReason::NoRule
        | CheckReason::NoAdapter
        | CheckReason::OnlyWiFi
        | CheckReason::OnlyVirtual
        | CheckReason::SwitchedOff
        | CheckReason::NothingHeard
        | CheckReason::OtherPort
        | CheckReason::NothingInbound => None,
    }
}

fn explain(ui: &mut Ui, words: &str) {
    let words = RichText::new(words).font(theme::regular(theme::DENSE)).color(Theme::of(ui).text_1);
    ui.add(Label::new(words).wrap().selectable(true));
}

/// The command that an administrator must run, whole, before it runs.
fn allow(ui: &mut Ui, command: &AllowCommand) -> Option<Action> {
    let text = PartyText::of(ui.ctx());
    explain(ui, text.how_command());
    let whole = format!("cmd {}", command.parameters);
    let theme = Theme::of(ui);
    let code = RichText::new(whole).font(FontId::monospace(theme::META)).color(theme.text_2);
    let frame = Frame::new()
        .fill(theme.field)
        .stroke(Stroke::new(theme::STROKE, theme.field_line))
        .corner_radius(theme::R_BUTTON)
        .inner_margin(Margin { left: 12, right: 4, top: 4, bottom: 4 });
    let copy = frame.show(ui, |ui| {
        ui.horizontal_top(|ui| {
            let width = ui.available_width() - ButtonSize::Row.height() - ui.spacing().item_spacing.x;
            ui.vertical(|ui| {
                ui.set_width(width);
                ui.add_space(6.0);
                ui.add(Label::new(code).wrap().selectable(true));
                ui.add_space(6.0);
            });
            let copy = icon_button(ui, Icon::COPY, text.copy_command(), ButtonKind::Ghost, ButtonSize::Row);
            copy.clicked().then(|| Action::Copy(command.lines.clone()))
        })
        .inner
    });
    let run = Button::primary(text.run_as_administrator()).icon(Icon::SHIELD_CHECK).size(ButtonSize::Row);
    let run = run.show(ui).clicked().then(|| Action::AllowInFirewall(command.parameters.clone()));
    run.or(copy.inner)
}
