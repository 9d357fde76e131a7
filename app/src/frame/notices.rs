//! The banner above the page, and the toasts over its corner.

use egui::{Id, Rect, Ui, pos2};

use crate::action::{Action, Question, Screen};
use crate::icon::Icon;
use crate::model::BannerModel;
use crate::notices::{NoticeId, Toasts};
use crate::text::{Common, FaultText, NoticeText};
use crate::theme;
use crate::widgets::{
    BannerLook, Button, ButtonKind, ButtonSize, Meaning, TOAST_WIDTH, ToastAnswer, ToastLook, ToastWords,
    banner, toast,
};

/// The banner: what is wrong, and what mends it.
pub fn top_banner(ui: &mut Ui, rect: Rect, model: &BannerModel) -> Option<Action> {
    let (common, text) = (Common::of(ui.ctx()), NoticeText::of(ui.ctx()));
    let mend = |label| Button::primary(label).size(ButtonSize::Row);
    match model {
        BannerModel::NotStarted { why } | BannerModel::Stopped { why } => {
            let has_run = matches!(model, BannerModel::Stopped { .. });
            let why = FaultText::of(ui.ctx()).fault(why);
            let rest = format!("{}. {}", why.trim_end_matches('.'), text.downloads_wait());
            let title = if has_run { text.network_stopped() } else { text.not_started() };
            let look = look(Meaning::Bad, Icon::PLUGS.fill(), title, &rest);
            banner(ui, rect, &look, |ui| {
                let restart = mend(common.restart()).icon(Icon::ARROW_CLOCKWISE.bold()).show(ui).clicked();
                let copy = Button::new(common.copy_report()).icon(Icon::COPY).kind(ButtonKind::Ghost);
                let copy = copy.size(ButtonSize::Row).show(ui).clicked();
                restart.then_some(Action::Restart).or(copy.then_some(Action::CopyReport))
            })
        }
        BannerModel::FolderGone { games } => {
            let rest = text.plug_in(games);
            let look = look(Meaning::Bad, Icon::USB.fill(), text.folder_gone(), &rest);
            banner(ui, rect, &look, |ui| {
                let again = mend(common.restart()).icon(Icon::ARROW_CLOCKWISE.bold()).show(ui).clicked();
                again.then_some(Action::Restart)
            })
        }
        BannerModel::DriveFull { place, title, others } => {
            let full = place
                .as_ref()
                .map_or_else(|| text.drive_full().to_owned(), |place| text.drive_is_full(place));
            let rest = match others {
                0 => text.waits_alone(title),
                others => text.waits(*others, title),
            };
            banner(ui, rect, &look(Meaning::Bad, Icon::HARD_DRIVE.fill(), &full, &rest), |ui| {
                let remove = mend(common.remove_games()).icon(Icon::TRASH.bold()).show(ui).clicked();
                let show = Button::new(common.downloads()).size(ButtonSize::Row).show(ui).clicked();
                remove.then_some(Action::BIGGEST).or(show.then_some(Action::Navigate(Screen::Downloads)))
            })
        }
        BannerModel::CatalogUnused { why } => {
            let why = FaultText::of(ui.ctx()).fault(why);
            let look = look(Meaning::Warn, Icon::SEAL_WARNING.fill(), text.catalog_unused(), &why);
            banner(ui, rect, &look, |ui| {
                let show = Button::new(common.settings()).size(ButtonSize::Row).show(ui);
                show.clicked().then_some(Action::Navigate(Screen::Settings))
            })
        }
        BannerModel::CatalogOffered(offered) => {
            let title = text.catalog_here(&offered.party);
            let rest = text.follow_it(offered.peers);
            let look = look(Meaning::Good, Icon::SEAL_CHECK.fill(), &title, &rest);
            banner(ui, rect, &look, |ui| {
                let review = mend(text.review()).show(ui);
                review.clicked().then_some(Action::Ask(Question::Trust(offered.key)))
            })
        }
    }
}

const fn look<'a>(meaning: Meaning, icon: Icon, title: &'a str, rest: &'a str) -> BannerLook<'a> {
    BannerLook { meaning, icon, title, rest }
}

/// The toasts at the bottom right; answers also which one is under the pointer.
pub fn toasts(ui: &Ui, window: Rect, toasts: &Toasts) -> (Option<Action>, Option<NoticeId>) {
    let dismiss = NoticeText::of(ui.ctx()).dismiss();
    let (mut action, mut hovered) = (None, None);
    let mut bottom = window.bottom() - 16.0 - theme::STATUS_BAR;
    for shown in toasts.list().iter().rev() {
        let notice = &shown.notice;
        let look = ToastLook {
            meaning: notice.meaning,
            icon: notice.icon,
            title: &notice.title,
            line: &notice.line,
            button: notice.button.as_ref().map(|button| (button.label.as_str(), button.icon)),
            dismiss,
            time_left: shown.time_left(),
        };
        let words = ToastWords::new(ui, &look);
        let right = window.right() - 24.0;
        let rect =
            Rect::from_min_max(pos2(right - TOAST_WIDTH, bottom - words.height()), pos2(right, bottom));
        bottom = rect.top() - 9.0;
        let area = egui::Area::new(Id::unique("toast").with(shown.id))
            .order(egui::Order::Tooltip)
            .fixed_pos(rect.min)
            .constrain(false);
        let answer = area.show(ui.ctx(), |ui| {
            ui.set_min_size(rect.size());
            toast(ui, rect, &look, words)
        });
        if ui.rect_contains_pointer(rect) || answer.response.contains_pointer() {
            hovered = Some(shown.id);
        }
        match answer.inner {
            Some(ToastAnswer::Dismissed) => action = Some(Action::Dismiss(shown.id)),
            Some(ToastAnswer::Clicked) => {
                action = notice.button.as_ref().map(|button| button.action.clone());
            }
            None => {}
        }
    }
    (action, hovered)
}
