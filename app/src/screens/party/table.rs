//! The PCs: who, what they play, what they share, what flows between them and this one.

use egui::{
    Align2, Color32, CornerRadius, CursorIcon, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use lanspread_engine::LinkKind;

use super::{Beside, State};
use crate::icon::Icon;
use crate::model::{PartyModel, PeerRow, Quality};
use crate::text::{Format, PartyText};
use crate::theme::{self, Theme};
use crate::widgets::{
    Rows, avatar_at, draw_icon, draw_text, elided, empty_state, focus_ring, row_background, row_line,
    value_right,
};

const HEAD: f32 = 36.0;
const ROWS: Rows = Rows { height: 54.0, gap: 0.0 };
const EMPTY: f32 = 260.0;
/// From so wide a column on, the way is named beside its time.
const WIDE_CONNECTION: f32 = 125.0;

/// Where columns are: left edges, and right edges of numbers.
#[derive(Clone, Copy, Debug)]
struct Columns {
    name: f32,
    now: f32,
    shares: f32,
    to_you: f32,
    from_you: f32,
    connection: f32,
}

impl Columns {
    fn of(rect: Rect) -> Self {
        let at = |share: f32| (rect.left() + rect.width() * share).round();
        Self {
            name: rect.left() + 16.0,
            now: at(0.262),
            shares: at(0.457),
            to_you: at(0.672),
            from_you: at(0.79),
            connection: at(0.813),
        }
    }
}

pub(super) fn show(ui: &mut Ui, model: &PartyModel, state: &mut State, width: f32) {
    let theme = Theme::of(ui);
    let text = PartyText::of(ui.ctx());
    let peers = rows(model, state);
    let height = HEAD + if peers.is_empty() { EMPTY } else { ROWS.height_of(peers.len()) };
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let radius = CornerRadius::same(theme::R_PANEL);
    ui.painter().rect(rect, radius, theme.surface_1, theme.line_stroke(), StrokeKind::Inside);
    let columns = Columns::of(rect);
    let head = rect.with_max_y(rect.top() + HEAD);
    for (x, anchor, words) in [
        (columns.name, Align2::LEFT_CENTER, text.player()),
        (columns.now, Align2::LEFT_CENTER, text.now()),
        (columns.shares, Align2::LEFT_CENTER, text.shares()),
        (columns.to_you, Align2::RIGHT_CENTER, text.to_you()),
        (columns.from_you, Align2::RIGHT_CENTER, text.from_you()),
        (columns.connection, Align2::LEFT_CENTER, text.connection()),
    ] {
        let font = theme::medium(theme::META);
        draw_text(ui.painter(), pos2(x, head.center().y), anchor, words, font, theme.text_2);
    }
    row_line(ui, head);
    if peers.is_empty() {
        let center = pos2(rect.center().x, rect.top() + HEAD + EMPTY / 2.0);
        empty_state(ui, center, Icon::USERS_THREE, text.nobody(), text.others_appear());
        return;
    }
    let mut opened = None;
    let all = rect.with_min_y(head.bottom());
    for index in ROWS.in_sight(ui.clip_rect(), all, peers.len()) {
        let place = ROWS.place(all, index);
        if index > 0 {
            row_line(ui, place.translate(vec2(0.0, -ROWS.height)));
        }
        let (peer, is_here) = peers[index];
        if !is_here {
            gone(ui, place, columns, peer);
        } else if row(ui, place, columns, peer, state.opened() == Some(peer.id)) {
            opened = Some(peer.id);
        }
    }
    if let Some(peer) = opened {
        state.beside = if state.opened() == Some(peer) { Beside::You } else { Beside::Games(peer) };
        ui.ctx().request_repaint();
    }
}

/// Who is here, and who has just left, by name.
fn rows<'a>(model: &'a PartyModel, state: &'a State) -> Vec<(&'a PeerRow, bool)> {
    let here = model.peers.iter().map(|peer| (peer, true));
    let left = state.left.iter().map(|(peer, _)| (peer, false));
    let mut rows: Vec<_> = here.chain(left).collect();
    if !state.left.is_empty() {
        rows.sort_by_cached_key(|(peer, _)| (peer.name.to_lowercase(), peer.id));
    }
    rows
}

fn gone(ui: &Ui, rect: Rect, columns: Columns, peer: &PeerRow) {
    let theme = Theme::of(ui);
    let left = PartyText::of(ui.ctx()).left_just_now();
    let response = ui.interact(rect, ui.scope_id().with(("gone", peer.id)), Sense::hover());
    let name = PartyText::of(ui.ctx()).row(&peer.name, left);
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &name));
    let y = rect.center().y;
    ui.painter().circle_filled(pos2(columns.name + 17.0, y), 17.0, theme.surface_2);
    let font = theme::regular(theme::BODY);
    draw_text(
        ui.painter(),
        pos2(columns.name + 46.0, y),
        Align2::LEFT_CENTER,
        &peer.name,
        font,
        theme.text_3,
    );
    let font = theme::regular(theme::DENSE);
    draw_text(ui.painter(), pos2(columns.now, y), Align2::LEFT_CENTER, left, font, theme.text_3);
}

/// True when it was clicked: it opens the PC's games.
fn row(ui: &Ui, rect: Rect, columns: Columns, peer: &PeerRow, is_open: bool) -> bool {
    let theme = Theme::of(ui);
    let (text, format) = (PartyText::of(ui.ctx()), Format::of(ui.ctx()));
    let response = ui.interact(rect, ui.scope_id().with(("peer", peer.id)), Sense::click());
    let hosting = peer.hosts.as_ref().map(|title| text.hosts(title));
    let now = hosting.as_deref().or(peer.playing.as_deref()).unwrap_or(text.in_the_lobby());
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, said(text, format, theme, peer, now)));
    Rows::follow_focus(&response);
    if is_open {
        ui.painter().rect_filled(rect.shrink2(vec2(1.0, 0.0)), 0, theme.surface_2);
    }
    row_background(ui, &response, rect.shrink2(vec2(1.0, 0.0)), 0);
    focus_ring(ui, &response, rect.shrink(4.0), 4);
    let y = rect.center().y;
    avatar_at(ui.painter(), pos2(columns.name + 17.0, y), &peer.name, 34.0);
    let line = |x: f32, y: f32, words: &str, size: f32, color: Color32, end: f32| {
        let words = elided(ui.painter(), words, theme::regular(size), color, end - x - 12.0);
        ui.painter().galley(pos2(x, y - words.size().y / 2.0), words, color);
    };
    line(columns.name + 46.0, y - 8.0, &peer.name, theme::BODY, theme.text_1, columns.now);
    line(columns.name + 46.0, y + 10.0, &peer.pc, theme::META, theme.text_2, columns.now);
    if peer.playing.is_some() || peer.hosts.is_some() {
        let icon = if peer.hosts.is_some() { Icon::HARD_DRIVES.fill() } else { Icon::GAME_CONTROLLER.fill() };
        draw_icon(ui.painter(), pos2(columns.now + 8.0, y), icon, theme::ICON, theme.accent);
        line(columns.now + 22.0, y, now, theme::DENSE, theme.text_1, columns.shares);
    } else {
        line(columns.now, y, now, theme::DENSE, theme.text_2, columns.shares);
    }
    let up = if peer.bytes > 0 { 8.0 } else { 0.0 };
    line(columns.shares, y - up, &text.games(peer.games), theme::DENSE, theme.text_1, columns.to_you);
    if peer.bytes > 0 {
        line(columns.shares, y + 10.0, &format.size(peer.bytes), theme::META, theme.text_2, columns.to_you);
    }
    rate(ui, columns.to_you, y, peer.to_you, Icon::ARROW_DOWN, theme.arriving);
    rate(ui, columns.from_you, y, peer.from_you, Icon::ARROW_UP, theme.leaving);
    let (word, bars, color) = quality(text, theme, peer.quality);
    signal(ui, pos2(columns.connection, y), bars, color);
    let way = way(text, format, peer, rect.right() - columns.connection > WIDE_CONNECTION);
    let up = if way.is_empty() { 0.0 } else { 8.0 };
    line(columns.connection + 26.0, y - up, word, theme::DENSE, theme.text_1, rect.right() + 6.0);
    line(columns.connection + 26.0, y + 10.0, &way, theme::META, theme.text_2, rect.right() + 6.0);
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}

/// The row for whoever does not see it.
fn said(text: PartyText, format: Format, theme: &Theme, peer: &PeerRow, now: &str) -> String {
    let (connection, ..) = quality(text, theme, peer.quality);
    let flows = |rate: u64| (rate > 0).then(|| format.rate(rate));
    let rates = [
        flows(peer.to_you).map(|rate| text.rate_to_you(&rate)),
        flows(peer.from_you).map(|rate| text.rate_from_you(&rate)),
    ];
    let parts = [text.row(&peer.name, now), text.games_shared(peer.games)].into_iter();
    let parts = parts.chain(rates.into_iter().flatten()).chain([connection.to_owned()]);
    parts.collect::<Vec<_>>().join(", ")
}

/// A word, and how many bars of which colour.
fn quality(text: PartyText, theme: &Theme, quality: Option<Quality>) -> (&'static str, u8, Color32) {
    match quality {
        Some(Quality::Great) => (text.great(), 4, theme.accent),
        Some(Quality::Good) => (text.good(), 3, theme.accent),
        Some(Quality::Fair) => (text.fair(), 2, theme.warn),
        Some(Quality::Weak) => (text.weak(), 1, theme.bad),
        Some(Quality::Unmeasured) => (text.connected(), 0, theme.accent),
        None => (text.reaching(), 0, theme.text_3),
    }
}

/// What the connection goes over, and how long there and back takes.
fn way(text: PartyText, format: Format, peer: &PeerRow, is_wide: bool) -> String {
    let link = match peer.link {
        LinkKind::Cable => Some(text.cable()),
        LinkKind::WiFi => Some(text.wifi()),
        LinkKind::Virtual => Some(text.vpn()),
        LinkKind::Unknown => None,
    };
    let ping = peer.rtt.map(|rtt| format.ping(rtt));
    match (link.filter(|_| is_wide || ping.is_none()), ping) {
        (Some(link), Some(ping)) => format!("{link}, {ping}"),
        (link, ping) => ping.or(link.map(str::to_owned)).unwrap_or_default(),
    }
}

/// Four bars, the first so many in their colour.
fn signal(ui: &Ui, left: egui::Pos2, lit: u8, color: Color32) {
    let dark = Theme::of(ui).surface_3;
    for (bar, height) in (0_u8..).zip([4.0, 7.0, 10.0, 13.0]) {
        let x = left.x + f32::from(bar) * 4.6;
        let bottom = left.y + 7.0;
        let place = Rect::from_min_max(pos2(x, bottom - height), pos2(x + 3.2, bottom));
        ui.painter().rect_filled(place, 1, if bar < lit { color } else { dark });
    }
}

fn rate(ui: &Ui, right: f32, y: f32, rate: u64, icon: Icon, color: Color32) {
    let words = (rate > 0).then(|| Format::of(ui.ctx()).rate(rate));
    let place = value_right(ui, right, y, words.as_deref(), color);
    if words.is_some() {
        draw_icon(ui.painter(), pos2(place.left() - 10.0, y), icon.bold(), 14.0, color);
    }
}
