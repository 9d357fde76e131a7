//! What should be known before a game is published, and the button that does it.

use egui::{Color32, Role, Sense, Ui, WidgetInfo, vec2};

use super::{INNER_HEIGHT, State, panel};
use crate::action::Action;
use crate::icon::Icon;
use crate::model::{Lack, PublishModel, SourceCheck};
use crate::text::{FaultText, PublishText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonSize, Meaning, draw_icon, label, spinner, wrapped};

pub(super) fn show(ui: &mut Ui, model: &PublishModel, state: &mut State, width: f32) -> Option<Action> {
    let mut action = None;
    panel(ui, width, |ui| {
        let (text, theme) = (PublishText::of(ui.ctx()), Theme::of(ui));
        ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
        label(ui, text.before(), theme::bold(theme::SECTION), theme.text_1);
        ui.add_space(4.0);
        for check in state.form.checks(model.known.as_ref()) {
            line(ui, &check);
            let fix = if matches!(check, SourceCheck::LogsShared(_)) {
                Some((text.leave_them_out(), true))
            } else if matches!(check, SourceCheck::LogsLeftOut(_)) {
                Some((text.share_them(), false))
            } else {
                None
            };
            if let Some((words, leaves_out)) = fix {
                ui.horizontal(|ui| {
                    ui.add_space(26.0);
                    if Button::new(words).size(ButtonSize::Small).show(ui).clicked() {
                        state.form.leaves_logs_out = leaves_out;
                    }
                });
            }
        }
        action = publish(ui, model, state);
    });
    action
}

fn line(ui: &mut Ui, check: &SourceCheck) {
    let theme = Theme::of(ui);
    let (meaning, words) = said(PublishText::of(ui.ctx()), check);
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(18.0, 20.0), Sense::hover());
        let icon = match meaning {
            Meaning::Good => Icon::CHECK_CIRCLE.fill(),
            Meaning::Warn => Icon::WARNING.fill(),
            Meaning::Bad => Icon::WARNING_CIRCLE.fill(),
            Meaning::Neutral | Meaning::Arriving | Meaning::Leaving => Icon::INFO,
        };
        if *check == SourceCheck::Looking {
            spinner(ui, rect.center(), theme::ICON, theme.text_2);
        } else {
            draw_icon(ui.painter(), rect.center(), icon, 18.0, meaning.color(theme));
        }
        words_in(ui, &words, theme.text_1);
    });
}

fn words_in(ui: &mut Ui, words: &str, color: Color32) {
    let words = egui::RichText::new(words).font(theme::regular(theme::DENSE)).color(color);
    ui.add(egui::Label::new(words.line_height(Some(20.0))).wrap());
}

fn said(text: PublishText, check: &SourceCheck) -> (Meaning, String) {
    match check {
        SourceCheck::NoSource => (Meaning::Neutral, text.no_source().to_owned()),
        SourceCheck::Looking => (Meaning::Neutral, text.looking().to_owned()),
        SourceCheck::Unreadable(why) => (Meaning::Bad, text.unreadable(&FaultText(text.0).fault(why))),
        SourceCheck::Program => (Meaning::Good, text.program_is_there().to_owned()),
        SourceCheck::NoProgram => (Meaning::Warn, text.program_is_not().to_owned()),
        SourceCheck::InArchive => (Meaning::Neutral, text.in_archive().to_owned()),
        SourceCheck::Quiet => (Meaning::Good, text.quiet().to_owned()),
        SourceCheck::HeldBy(program) => (Meaning::Warn, text.held_by(program)),
        SourceCheck::VersionMissing => (Meaning::Bad, text.version_missing().to_owned()),
        SourceCheck::FirstVersion => (Meaning::Good, text.first_version().to_owned()),
        SourceCheck::VersionDiffers(old) => (Meaning::Good, text.version_differs(old)),
        SourceCheck::VersionSame(old) => (Meaning::Warn, text.version_same(old)),
        SourceCheck::LogsShared(count) => (Meaning::Warn, text.logs_shared(*count)),
        SourceCheck::LogsLeftOut(count) => (Meaning::Good, text.logs_left_out(*count)),
        SourceCheck::BadNames(names, count) => (Meaning::Bad, text.bad_names(*count, &names.join(", "))),
    }
}

/// At the panel's lower edge.
fn publish(ui: &mut Ui, model: &PublishModel, state: &State) -> Option<Action> {
    let (text, theme) = (PublishText::of(ui.ctx()), Theme::of(ui));
    let asked = match &state.organiser {
        Some(organiser) => state.form.request(organiser, model.known.as_ref()),
        None => Err(Lack::Key),
    };
    let why = match &asked {
        Ok(_) => model.is_busy.then(|| text.is_busy()),
        Err(lack) => Some(lacking(text, *lack)),
    };
    let others = match model.pcs.saturating_sub(1) {
        0 => text.nobody_gets_it().to_owned(),
        others => text.who_gets_it(others),
    };
    let label = text.publish_version(state.form.version.trim());
    let hint = wrapped(
        ui.painter(),
        &others,
        theme::regular(theme::DENSE),
        theme.text_2,
        ui.available_width(),
        18.0,
    );
    let needed = hint.size().y + 12.0 + 48.0;
    let used = ui.cursor().top() - ui.min_rect().top();
    ui.add_space((INNER_HEIGHT - used - needed).max(8.0));
    let (rect, response) = ui.allocate_exact_size(hint.size(), Sense::hover());
    ui.painter().galley(rect.min, hint, theme.text_2);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &others));
    ui.add_space(4.0);
    let button = Button::primary(label.trim()).icon(Icon::UPLOAD_SIMPLE.bold()).size(ButtonSize::Large);
    let is_clicked = button.width(ui.available_width()).disabled(why).show(ui).clicked();
    asked.ok().filter(|_| is_clicked).map(|request| Action::Publish(Box::new(request)))
}

const fn lacking(text: PublishText, lack: Lack) -> &'static str {
    match lack {
        Lack::Key => text.lacks_key(),
        Lack::Source => text.lacks_source(),
        Lack::Look => text.lacks_look(),
        Lack::Unfit => text.lacks_fit(),
        Lack::Title => text.lacks_title(),
        Lack::Version => text.lacks_version(),
        Lack::Players => text.lacks_players(),
        Lack::Year => text.lacks_year(),
    }
}
