//! What is around every screen: the rail, the status bar, the place of the banner, the toasts.

use egui::{
    Align2, Color32, CornerRadius, CursorIcon, Id, Painter, Pos2, Rect, Response, Role, Sense, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};

use crate::action::{Action, Question, Screen};
use crate::icon::Icon;
use crate::model::{BannerModel, Link, StatusModel};
use crate::notices::{NoticeId, Toasts};
use crate::text::{Common, Format, FrameText, NoticeText};
use crate::theme::{self, Theme};
use crate::widgets::{
    BannerLook, Button, ButtonKind, ButtonSize, Meaning, TOAST_WIDTH, ToastAnswer, ToastLook, ToastWords,
    avatar_at, banner, draw_icon, draw_text, focus_ring, toast,
};

/// Where the parts of a window are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Places {
    pub rail: Rect,
    /// Above the page, if there is a banner.
    pub banner: Option<Rect>,
    /// Title and tools of the page.
    pub top_bar: Rect,
    /// All between top bar and status bar, up to the window's right edge.
    pub page: Rect,
    pub status_bar: Rect,
}

impl Places {
    pub fn of(window: Rect, has_banner: bool) -> Self {
        let rail = window.with_max_x(window.left() + theme::RAIL);
        let right = window.with_min_x(rail.right());
        let status_bar = right.with_min_y(right.bottom() - theme::STATUS_BAR);
        let mut top = right.top();
        let banner = has_banner.then(|| {
            let margin = theme::MARGIN;
            let min = pos2(right.left() + margin, top + 12.0);
            Rect::from_min_max(min, pos2(right.right() - margin, top + 60.0))
        });
        top += if has_banner { 60.0 } else { 0.0 };
        let top_bar = Rect::from_min_max(
            pos2(right.left() + theme::MARGIN, top),
            pos2(right.right() - theme::MARGIN, top + theme::TOP_BAR),
        );
        let page = Rect::from_min_max(pos2(right.left(), top_bar.bottom()), right.right_bottom())
            .with_max_y(status_bar.top());
        Self { rail, banner, top_bar, page, status_bar }
    }
}

/// Fills the grounds. The first thing of a frame.
pub fn grounds(ui: &Ui, places: &Places) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    painter.rect_filled(ui.max_rect(), CornerRadius::ZERO, theme.bg);
    painter.rect_filled(places.rail, CornerRadius::ZERO, theme.rail);
    painter.rect_filled(places.status_bar, CornerRadius::ZERO, theme.rail);
    painter.vline(places.rail.right() - 0.5, places.rail.y_range(), theme.line_stroke());
    painter.hline(places.status_bar.x_range(), places.status_bar.top() + 0.5, theme.line_stroke());
}

/// The page's title; answers its right edge.
pub fn page_title(ui: &Ui, places: &Places, title: &str) -> f32 {
    let theme = Theme::of(ui);
    let at = pos2(places.top_bar.left(), places.top_bar.top() + 34.0);
    let response = ui.interact(
        Rect::from_center_size(at, vec2(1.0, 1.0)),
        ui.scope_id().with("page-title"),
        Sense::hover(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, title));
    draw_text(ui.painter(), at, Align2::LEFT_CENTER, title, theme::bold(theme::TITLE), theme.text_1).right()
}

/// A child layout in a place.
pub fn within<R>(ui: &mut Ui, rect: Rect, layout: egui::Layout, content: impl FnOnce(&mut Ui) -> R) -> R {
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect).layout(layout));
    content(&mut child)
}

/// The rail: places of the window, settings, the player.
pub fn rail(
    ui: &mut Ui,
    rect: Rect,
    status: &StatusModel,
    screen: Screen,
    can_publish: bool,
) -> Option<Action> {
    let text = Common::of(ui.ctx());
    let frame = FrameText::of(ui.ctx());
    logo(ui.painter(), Rect::from_min_size(rect.min + vec2(24.0, 16.0), vec2(40.0, 40.0)));
    let downloads = match (status.active_downloads, status.needs_attention) {
        (0, false) => (None, text.downloads().to_owned()),
        (0, true) => (Some(Badge::Attention), frame.needs_attention().to_owned()),
        (count, _) => (Some(Badge::Active(count)), frame.active_downloads(count)),
    };
    let party = if status.party_warning {
        (Some(Badge::Attention), frame.party_warning().to_owned())
    } else {
        (None, text.party().to_owned())
    };
    let item = |screen, icon, label, badge, name| RailItem { screen, icon, label, badge, name };
    let plain = |screen, icon, label: &'static str| item(screen, icon, label, None, label.to_owned());
    let mut items = vec![
        (76.0, plain(Screen::Library, Icon::SQUARES_FOUR, text.library())),
        (140.0, item(Screen::Downloads, Icon::DOWNLOAD_SIMPLE, text.downloads(), downloads.0, downloads.1)),
        (204.0, item(Screen::Party, Icon::USERS_THREE, text.party(), party.0, party.1)),
    ];
    let bottom = rect.height();
    if can_publish {
        items.push((bottom - 186.0, plain(Screen::Publish, Icon::UPLOAD_SIMPLE, text.publish())));
    }
    items.push((bottom - 122.0, plain(Screen::Settings, Icon::GEAR_SIX, text.settings())));
    let mut action = None;
    for (top, item) in items {
        let place = Rect::from_min_size(pos2(rect.left() + 8.0, rect.top() + top), vec2(72.0, 60.0));
        if rail_item(ui, place, &item, item.screen == screen).clicked() {
            action = Some(Action::Navigate(item.screen));
        }
    }
    action.or(profile(ui, rect, &status.name))
}

struct RailItem {
    screen: Screen,
    icon: Icon,
    label: &'static str,
    badge: Option<Badge>,
    name: String,
}

#[derive(Clone, Copy)]
enum Badge {
    Active(usize),
    Attention,
}

fn rail_item(ui: &Ui, rect: Rect, item: &RailItem, is_active: bool) -> Response {
    let theme = Theme::of(ui);
    let response = ui.interact(rect, Id::unique("rail").with(item.screen), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, is_active, &item.name));
    let painter = ui.painter();
    let (icon, icon_color, color) = if is_active {
        painter.rect_filled(rect, CornerRadius::same(10), theme.field);
        let bar = Rect::from_min_size(pos2(rect.left() - 8.0, rect.center().y - 14.0), vec2(3.0, 28.0));
        painter.rect_filled(bar, CornerRadius { ne: 2, se: 2, nw: 0, sw: 0 }, theme.accent);
        (item.icon.fill(), theme.accent, theme.text_1)
    } else {
        if response.hovered() {
            painter.rect_filled(rect, CornerRadius::same(10), theme.surface_1);
        }
        (item.icon, theme.text_2, theme.text_2)
    };
    let center = pos2(rect.center().x, rect.top() + 21.0);
    draw_icon(painter, center, icon, theme::ICON_RAIL, icon_color);
    let at = pos2(rect.center().x, rect.top() + 44.0);
    draw_text(painter, at, Align2::CENTER_CENTER, item.label, theme::medium(theme::META), color);
    if let Some(badge) = item.badge {
        draw_badge(painter, theme, pos2(rect.right() - 21.0, rect.top() + 13.0), badge);
    }
    focus_ring(ui, &response, rect.shrink(2.0), 8);
    response.on_hover_cursor(CursorIcon::PointingHand)
}

fn draw_badge(painter: &Painter, theme: &Theme, center: Pos2, badge: Badge) {
    let (text, fill, color) = match badge {
        Badge::Active(count) => (count.to_string(), theme.arriving, theme.on_arriving),
        Badge::Attention => ("!".to_owned(), theme.warn, theme.on_warn),
    };
    let words = painter.layout_no_wrap(text, theme::bold(theme::BADGE), color);
    let size = vec2((words.size().x + 11.0).max(16.0), 16.0);
    painter.rect_filled(Rect::from_center_size(center, size), CornerRadius::same(8), fill);
    painter.galley(center - words.size() / 2.0, words, color);
}

fn profile(ui: &Ui, rail: Rect, name: &str) -> Option<Action> {
    let center = pos2(rail.left() + 44.0, rail.bottom() - 30.0);
    let rect = Rect::from_center_size(center, vec2(36.0, 36.0));
    let response = ui.interact(rect, Id::unique("profile"), Sense::click());
    let text = FrameText::of(ui.ctx()).profile(name);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &text));
    avatar_at(ui.painter(), center, name, 36.0);
    focus_ring(ui, &response, rect, 18);
    response.on_hover_cursor(CursorIcon::PointingHand).clicked().then_some(Action::Navigate(Screen::Settings))
}

/// The sign: one node that is joined to four others.
pub fn logo(painter: &Painter, tile: Rect) {
    let unit = tile.width() / 40.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few points")]
    let radius = CornerRadius::same((10.0 * unit) as u8);
    painter.rect_filled(tile, radius, theme::LOGO);
    let center = tile.center();
    let stroke = egui::Stroke::new(2.6 * unit, theme::ON_LOGO);
    for (x, y) in [(-9.0, -9.0), (9.0, -8.0), (-8.0, 9.0), (8.0, 8.0)] {
        let end = center + vec2(x, y) * unit;
        painter.line_segment([center, end], stroke);
        painter.circle_filled(end, 3.4 * unit, theme::ON_LOGO);
    }
    painter.circle_filled(center, 5.0 * unit, theme::ON_LOGO);
}

/// The status bar: every part is a button.
pub fn status_bar(ui: &mut Ui, rect: Rect, status: &StatusModel) -> Option<Action> {
    let inner = rect.shrink2(vec2(theme::MARGIN, 0.0));
    let text = FrameText::of(ui.ctx());
    let format = Format::of(ui.ctx());
    let theme = Theme::of(ui);
    let mut action = None;
    within(ui, inner, egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 20.0;
        for (screen, part) in left_parts(theme, text, format, status) {
            if part.show(ui).clicked() {
                action = Some(Action::Navigate(screen));
            }
        }
    });
    within(ui, inner, egui::Layout::right_to_left(egui::Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 20.0;
        if let Some(bytes) = status.free_bytes {
            let free = status.place.as_ref().map_or(text.free().to_owned(), |place| text.free_on(place));
            let part = Part::new(Icon::HARD_DRIVE, theme.text_2).strong(format.size(bytes)).weak(free);
            if part.show(ui).clicked() {
                action = Some(Action::Navigate(Screen::Settings));
            }
        }
        let pcs = Part::new(Icon::USERS_THREE, theme.text_2)
            .strong(text.pcs(status.pcs))
            .weak(text.at_this_party().to_owned());
        if pcs.show(ui).clicked() {
            action = Some(Action::Navigate(Screen::Party));
        }
    });
    action
}

fn left_parts(theme: &Theme, text: FrameText, format: Format, status: &StatusModel) -> Vec<(Screen, Part)> {
    if status.link == Link::Down {
        let off = Part::new(Icon::PLUGS, theme.bad).colored(text.not_connected().to_owned(), theme.bad);
        let sharing = Part::new(Icon::SHARE_NETWORK, theme.text_2).weak(text.sharing_is_off().to_owned());
        return vec![(Screen::Party, off), (Screen::Settings, sharing)];
    }
    if status.shared_games == 0 && status.down_rate == 0 {
        let nothing = Part::new(Icon::SHARE_NETWORK, theme.text_3).weak(text.nothing_shared().to_owned());
        return vec![(Screen::Settings, nothing)];
    }
    let mut parts = vec![(
        Screen::Settings,
        Part::new(Icon::SHARE_NETWORK, theme.leaving)
            .weak(text.sharing().to_owned())
            .strong(text.games(status.shared_games)),
    )];
    if status.receivers > 0 {
        let part = Part::new(Icon::ARROW_UP.bold(), theme.leaving)
            .strong(format.rate(status.up_rate))
            .weak(text.to_players(status.receivers));
        parts.push((Screen::Party, part));
    }
    if status.down_rate > 0 {
        let part = Part::new(Icon::ARROW_DOWN.bold(), theme.arriving).strong(format.rate(status.down_rate));
        parts.push((Screen::Downloads, part));
    }
    parts
}

/// A part of the status bar: an icon and words in two weights.
struct Part {
    icon: Icon,
    icon_color: Color32,
    words: Vec<(String, Weight)>,
}

#[derive(Clone, Copy)]
enum Weight {
    Strong,
    Weak,
    Colored(Color32),
}

impl Part {
    const fn new(icon: Icon, icon_color: Color32) -> Self {
        Self { icon, icon_color, words: Vec::new() }
    }

    fn strong(mut self, text: String) -> Self {
        self.words.push((text, Weight::Strong));
        self
    }

    fn weak(mut self, text: String) -> Self {
        self.words.push((text, Weight::Weak));
        self
    }

    fn colored(mut self, text: String, color: Color32) -> Self {
        self.words.push((text, Weight::Colored(color)));
        self
    }

    fn show(self, ui: &mut Ui) -> Response {
        let theme = Theme::of(ui);
        let galleys: Vec<_> = self
            .words
            .iter()
            .map(|(text, weight)| {
                let (font, color) = match weight {
                    Weight::Strong => (theme::medium(theme::META), theme.text_1),
                    Weight::Weak => (theme::regular(theme::META), theme.text_2),
                    Weight::Colored(color) => (theme::medium(theme::META), *color),
                };
                ui.painter().layout_no_wrap(text.clone(), font, color)
            })
            .collect();
        let words: f32 = galleys.iter().map(|galley| galley.size().x + 6.0).sum();
        let (rect, response) = ui.allocate_exact_size(vec2(16.0 + words, 24.0), Sense::click());
        let name: Vec<&str> = self.words.iter().map(|(text, _)| text.as_str()).collect();
        let name = name.join(" ");
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if response.hovered() {
            let ground = rect.expand2(vec2(6.0, 0.0));
            ui.painter().rect_filled(ground, CornerRadius::same(theme::R_TAG), theme.surface_2);
        }
        let y = rect.center().y;
        draw_icon(ui.painter(), pos2(rect.left() + 8.0, y), self.icon, theme::ICON, self.icon_color);
        let mut x = rect.left() + 22.0;
        for galley in galleys {
            let width = galley.size().x;
            ui.painter().galley(pos2(x, y - galley.size().y / 2.0), galley, theme.text_1);
            x += width + 6.0;
        }
        focus_ring(ui, &response, rect, theme::R_TAG);
        response.on_hover_cursor(CursorIcon::PointingHand)
    }
}

/// The banner: what is wrong, and what mends it.
pub fn top_banner(ui: &mut Ui, rect: Rect, model: &BannerModel) -> Option<Action> {
    let (common, text) = (Common::of(ui.ctx()), NoticeText::of(ui.ctx()));
    let mend = |label| Button::primary(label).size(ButtonSize::Row);
    match model {
        BannerModel::NotStarted { error } | BannerModel::Stopped { error } => {
            let has_run = matches!(model, BannerModel::Stopped { .. });
            let rest = format!("{}. {}", error.trim_end_matches('.'), text.downloads_wait());
            let title = if has_run { text.network_stopped() } else { text.not_started() };
            let look = look(Meaning::Bad, Icon::PLUGS.fill(), title, &rest);
            banner(ui, rect, &look, |ui| {
                let restart = mend(common.restart()).icon(Icon::ARROW_CLOCKWISE.bold()).show(ui).clicked();
                let copy = Button::new(common.copy_report()).icon(Icon::COPY).kind(ButtonKind::Ghost);
                let copy = copy.size(ButtonSize::Row).show(ui).clicked();
                restart.then_some(Action::Restart).or(copy.then_some(Action::CopyReport))
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
                let remove = mend(text.remove_games()).icon(Icon::TRASH.bold()).show(ui).clicked();
                let show = Button::new(common.downloads()).size(ButtonSize::Row).show(ui).clicked();
                remove.then_some(Action::BIGGEST).or(show.then_some(Action::Navigate(Screen::Downloads)))
            })
        }
        BannerModel::CatalogUnused { why } => {
            let look = look(Meaning::Warn, Icon::SEAL_WARNING.fill(), text.catalog_unused(), why);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_moves_the_page_down() {
        let window = Rect::from_min_size(Pos2::ZERO, vec2(1280.0, 800.0));
        let (without, with) = (Places::of(window, false), Places::of(window, true));
        assert_eq!(with.page, without.page.with_min_y(124.0));
        assert_eq!(without.page.y_range(), egui::Rangef::new(64.0, 764.0));
        assert_eq!(with.banner.map(|banner| banner.height()), Some(48.0));
    }
}
