//! Banners and toasts: what must not be missed, until it is dismissed, fixed, or its time is over.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lanspread_engine::{Level, NoticeView};

use crate::action::Action;
use crate::icon::Icon;
use crate::text::PeerText;
use crate::widgets::Meaning;

/// Toasts on screen at most; the oldest that may go does.
const MAX_TOASTS: usize = 3;
const SHORT: Duration = Duration::from_secs(6);
/// With a button.
const LONG: Duration = Duration::from_secs(10);

/// Names a notice for as long as the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeId(pub u64);

/// A toast's or banner's button.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticeButton {
    pub label: String,
    pub icon: Option<Icon>,
    pub action: Action,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub meaning: Meaning,
    pub icon: Icon,
    pub title: String,
    pub line: String,
    pub button: Option<NoticeButton>,
    /// It does not go by itself.
    pub stays: bool,
}

impl Notice {
    pub fn bad(title: impl Into<String>, line: impl Into<String>) -> Self {
        Self {
            meaning: Meaning::Bad,
            icon: Icon::WARNING_CIRCLE.fill(),
            title: title.into(),
            line: line.into(),
            button: None,
            stays: true,
        }
    }

    pub fn good(title: impl Into<String>, line: impl Into<String>) -> Self {
        Self {
            meaning: Meaning::Good,
            icon: Icon::CHECK_CIRCLE.fill(),
            title: title.into(),
            line: line.into(),
            button: None,
            stays: false,
        }
    }

    /// Something new at the party.
    pub fn update(title: impl Into<String>, line: impl Into<String>) -> Self {
        let meaning = Meaning::Arriving;
        Self { meaning, icon: Icon::ARROWS_CLOCKWISE, ..Self::good(title, line) }
    }

    pub fn warn(title: impl Into<String>, line: impl Into<String>) -> Self {
        Self {
            meaning: Meaning::Warn,
            icon: Icon::WARNING.fill(),
            title: title.into(),
            line: line.into(),
            button: None,
            stays: false,
        }
    }

    fn of_peer(notice: &NoticeView, text: PeerText) -> Self {
        let message = text.notice(&notice.message);
        match notice.level {
            Level::Info => Self::good(message, ""),
            Level::Warning => Self::warn(message, "").that_stays(),
            Level::Error => Self::bad(message, ""),
        }
    }

    #[must_use]
    pub fn with_button(mut self, button: NoticeButton) -> Self {
        self.button = Some(button);
        self
    }

    /// What a person should see whenever they come back.
    #[must_use]
    pub fn that_stays(mut self) -> Self {
        self.stays = true;
        self
    }

    fn time(&self) -> Option<Duration> {
        match (self.stays, &self.button) {
            (true, _) => None,
            (false, Some(_)) => Some(LONG),
            (false, None) => Some(SHORT),
        }
    }
}

/// A toast on screen.
#[derive(Clone, Debug)]
pub struct Toast {
    pub id: NoticeId,
    pub notice: Notice,
    /// The peer's notice that it shows.
    told: Option<u64>,
    /// Time that it was not under the pointer.
    shown: Duration,
}

impl Toast {
    /// How much of its time is left, for those whose button must be reached in time.
    pub fn time_left(&self) -> Option<f32> {
        let time = self.notice.time()?;
        self.notice.button.as_ref()?;
        Some(1.0 - (self.shown.as_secs_f32() / time.as_secs_f32()).min(1.0))
    }
}

/// The toasts on screen, newest last.
#[derive(Debug, Default)]
pub struct Toasts {
    list: Vec<Toast>,
    next: u64,
    /// The peer's notices that were shown, as long as the peer tells them.
    told: BTreeSet<u64>,
    last_frame: Option<Instant>,
}

impl Toasts {
    pub fn list(&self) -> &[Toast] {
        &self.list
    }

    /// One that says the same takes the place of the old one.
    pub fn add(&mut self, notice: Notice) -> NoticeId {
        self.list.retain(|toast| toast.notice != notice);
        if self.list.len() == MAX_TOASTS {
            let index = self.list.iter().position(|toast| toast.notice.time().is_some()).unwrap_or(0);
            self.list.remove(index);
        }
        self.next += 1;
        let id = NoticeId(self.next);
        self.list.push(Toast { id, notice, told: None, shown: Duration::ZERO });
        id
    }

    /// Shows what the peer tells and has not told before. What it no longer tells goes.
    pub fn follow(&mut self, notices: &[NoticeView], text: PeerText) {
        let is_told = |id: &u64| notices.iter().any(|notice| notice.id == *id);
        self.told.retain(is_told);
        self.list.retain(|toast| toast.told.as_ref().is_none_or(is_told));
        for notice in notices {
            if self.told.insert(notice.id) {
                self.add(Notice::of_peer(notice, text));
                if let Some(toast) = self.list.last_mut() {
                    toast.told = Some(notice.id);
                }
            }
        }
    }

    /// Takes away those whose button has nothing to do any more.
    pub fn drop_done(&mut self, is_done: impl Fn(&Action) -> bool) {
        self.list.retain(|toast| toast.notice.button.as_ref().is_none_or(|button| !is_done(&button.action)));
    }

    /// Answers the peer's notice that it showed.
    pub fn dismiss(&mut self, id: NoticeId) -> Option<u64> {
        let index = self.list.iter().position(|toast| toast.id == id)?;
        self.list.remove(index).told
    }

    /// Lets time pass, except for the one under the pointer. Answers when to look again.
    pub fn tick(&mut self, now: Instant, hovered: Option<NoticeId>) -> Option<Duration> {
        let passed = self.last_frame.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.last_frame = (!self.list.is_empty()).then_some(now);
        for toast in &mut self.list {
            if Some(toast.id) != hovered {
                toast.shown += passed;
            }
        }
        self.list.retain(|toast| toast.notice.time().is_none_or(|time| toast.shown < time));
        self.list
            .iter()
            .filter_map(|toast| {
                let left = toast.notice.time()?.saturating_sub(toast.shown);
                // The line that shows the time moves four times a second.
                Some(if toast.notice.button.is_some() { left.min(Duration::from_millis(250)) } else { left })
            })
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;
    use lanspread_engine::NoticeKind;

    fn titles(toasts: &Toasts) -> Vec<&str> {
        toasts.list().iter().map(|toast| toast.notice.title.as_str()).collect()
    }

    #[test]
    fn good_news_goes_by_itself_and_bad_news_stays() {
        let start = Instant::now();
        let mut toasts = Toasts::default();
        toasts.add(Notice::good("good", ""));
        toasts.add(Notice::bad("bad", ""));
        toasts.tick(start, None);
        assert_eq!(toasts.tick(start + Duration::from_secs(5), None), Some(Duration::from_secs(1)));
        assert_eq!(titles(&toasts), ["good", "bad"]);
        assert_eq!(toasts.tick(start + Duration::from_secs(6), None), None);
        assert_eq!(titles(&toasts), ["bad"]);
    }

    #[test]
    fn time_stops_under_the_pointer() {
        let start = Instant::now();
        let mut toasts = Toasts::default();
        let id = toasts.add(Notice::good("good", ""));
        toasts.tick(start, None);
        toasts.tick(start + Duration::from_secs(100), Some(id));
        assert_eq!(titles(&toasts), ["good"]);
    }

    #[test]
    fn what_the_peer_tells_is_shown_once_and_dismissed_there() {
        let mut toasts = Toasts::default();
        let text = PeerText(Language::English);
        let notice = |id, level, count| NoticeView { id, level, message: NoticeKind::EventsLost { count } };
        let first = notice(1, Level::Error, 1);
        let second = notice(2, Level::Warning, 2);
        toasts.follow(std::slice::from_ref(&first), text);
        toasts.follow(&[first.clone(), second.clone()], text);
        assert_eq!(titles(&toasts), [first, second.clone()].map(|notice| text.notice(&notice.message)));
        assert_eq!(toasts.dismiss(toasts.list()[1].id), Some(2));
        toasts.follow(&[second], text);
        assert_eq!(titles(&toasts), [""; 0], "the second was shown, the first is no longer told");
        toasts.follow(&[], text);
        let other = notice(1, Level::Info, 3);
        toasts.follow(std::slice::from_ref(&other), text);
        assert_eq!(titles(&toasts), [text.notice(&other.message)], "of a restarted peer");
    }

    #[test]
    fn three_at_most_and_bad_ones_go_last() {
        let mut toasts = Toasts::default();
        toasts.add(Notice::bad("bad", ""));
        for title in ["one", "two", "three", "three"] {
            toasts.add(Notice::good(title, ""));
        }
        assert_eq!(titles(&toasts), ["bad", "two", "three"]);
    }
}
